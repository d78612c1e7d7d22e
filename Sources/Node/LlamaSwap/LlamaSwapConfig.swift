package import Cluster

/// llama-swap.yaml for one channel of a catalog: its local tiers, who may be resident beside whom, what to preload.
///
/// Keys as in https://github.com/mostlygeek/llama-swap, v202 to v250. Hosted tiers are not in it.
package struct LlamaSwapConfig: Equatable, Sendable {
    private let catalog: Catalog
    private let next: Bool
    private let llamaServer: String
    private let tellsOfLoads: Bool

    /// Seconds that llama-swap waits for a llama-server: 45 GB from a slow disk take minutes.
    private static let healthCheckTimeout = 600
    /// Port of the first llama-server child.
    package static let startPort = 10001

    /// - Parameters:
    ///   - next: run what is queued, where a tier has something queued.
    ///   - llamaServer: path or bare name of the program, as found by
    ///     ``locateLlamaServer(catalog:environment:isExecutable:)``.
    ///   - tellsOfLoads: whether llama-swap itself tells streaming clients of a load that they wait for. It does so by a 200
    ///     before it knows what comes of the load; in a cluster the router tells of it instead, and may ask another host.
    package init(catalog: Catalog, next: Bool, llamaServer: String, tellsOfLoads: Bool = true) {
        self.catalog = catalog
        self.next = next
        self.llamaServer = llamaServer
        self.tellsOfLoads = tellsOfLoads
    }

    /// Whether any tier, local or hosted, has something queued for the next channel.
    package var hasNext: Bool { catalog.tiers.contains(where: \.hasNext) }

    /// Whether there is anything for llama-swap to run.
    package var hasModels: Bool { !catalog.localTiers.isEmpty }

    /// The whole file.
    package var yaml: String {
        var lines = [
            "# Written by `llmstack start` from models.ini, anew each time: changes made here are lost.",
            "# To change a tier, edit models.ini beside this file, then run `llmstack restart`.",
            "",
            "healthCheckTimeout: \(Self.healthCheckTimeout)",
            "logLevel: \"info\"",
            "logToStdout: \"proxy\"",
            "startPort: \(Self.startPort)",
            "sendLoadingState: \(tellsOfLoads)",
            "includeAliasesInList: true",
            "globalTTL: 0",
            "",
            "macros:",
            "  llama_server: \(YAMLText.quoted(CommandText.word(llamaServer)))",
            "  metal_defaults: \(YAMLText.quoted(commonArguments))",
            "",
        ]
        lines += block("models", catalog.localTiers.flatMap(model), empty: "{}", indent: 0)
        lines.append("")
        lines += matrix
        lines += ["", "hooks:", "  on_startup:"]
        let resident = catalog.localTiers.filter { $0.role == .fast }
        lines += block("preload", resident.map { "      - \(YAMLText.quoted($0.name))" }, empty: "[]", indent: 4)
        return lines.joined(separator: "\n") + "\n"
    }

    /// What every llama-server is started with. `${PORT}` is llama-swap's.
    private var commonArguments: String {
        let defaults = catalog.defaults
        var words = ["--host", CommandText.argument(defaults.host), "--port", "${PORT}"]
        words += [
            "-ngl", CommandText.argument(defaults.gpuLayers), "-fa", CommandText.argument(defaults.flashAttention),
        ]
        if defaults.jinja { words.append("--jinja") }
        words += ["--cache-type-k", CommandText.argument(defaults.cacheTypeK)]
        words += ["--cache-type-v", CommandText.argument(defaults.cacheTypeV)]
        words += ["--threads", CommandText.argument(defaults.threads), "--no-warmup", "--no-mmap"]
        return words.joined(separator: " ")
    }

    private func model(_ tier: Tier) -> [String] {
        guard case .gguf(let gguf) = tier.backend else { return [] }
        let weights = gguf.weights(next: next)
        let description = YAMLText.quoted(CommandText.prose(tier.description))
        var lines = [
            "  \(YAMLText.quoted(tier.name)):",
            "    name: \(description)",
            "    description: \(description)",
            "    cmd: |",
        ]
        lines += command(tier, gguf: gguf, weights: weights).map { "      \($0)" }
        lines.append("    ttl: \(tier.idleSeconds ?? tier.role.idleSeconds)")
        let aliases = tier.effectiveAliases.map { "      - \(YAMLText.quoted(CommandText.prose($0)))" }
        lines += block("aliases", aliases, empty: "[]", indent: 4)
        lines += [
            "    metadata:",
            "      tier: \(YAMLText.quoted(CommandText.prose(tier.label)))",
            "      role: \(YAMLText.quoted(CommandText.prose(tier.role.name)))",
            "      ctx_size: \(tier.contextSize)",
            "      size_gb: \(YAMLText.float(weights.sizeGB))",
            "      quant: \(YAMLText.quoted(CommandText.prose(weights.quant)))",
            "      channel: \(YAMLText.quoted(next && gguf.next != nil ? "next" : "current"))",
        ]
        return lines
    }

    private func command(_ tier: Tier, gguf: GGUF, weights: GGUF.Weights) -> [String] {
        var lines = [
            "${llama_server} ${metal_defaults}",
            "-hf \(CommandText.argument(weights.repo))",
            "-hff \(CommandText.argument(weights.file))",
            "--alias \(CommandText.word(tier.name))",
            "-c \(tier.contextSize)",
        ]
        if let rope = gguf.rope {
            lines.append("--rope-scaling \(CommandText.argument(rope.method))")
            if let scale = rope.scale { lines.append("--rope-scale \(CommandText.argument(scale))") }
            if let context = rope.originalContext { lines.append("--yarn-orig-ctx \(CommandText.argument(context))") }
        }
        let sampler = tier.sampler
        func add(_ flag: String, _ value: Double?) {
            if let value { lines.append("\(flag) \(value)") }
        }
        add("--temp", sampler.temperature)
        add("--top-p", sampler.topP)
        if let topK = sampler.topK { lines.append("--top-k \(Int(exactly: topK.rounded(.towardZero)) ?? Int.max)") }
        add("--min-p", sampler.minP)
        add("--repeat-penalty", sampler.repeatPenalty)
        return lines
    }

    private var matrix: [String] {
        let resident = ResidentSets(catalog: catalog)
        // llama-swap refuses a matrix without a set; without a matrix it runs one model at a time.
        if hasModels, resident.variables.isEmpty { return [] }
        var lines = ["matrix:"]
        lines += block(
            "vars", resident.variables.map { "    \($0.letter): \(YAMLText.quoted($0.tier))" }, empty: "{}", indent: 2)
        lines += block(
            "evict_costs", resident.variables.map { "    \($0.letter): \($0.evictCost)" }, empty: "{}", indent: 2)
        let sets = resident.sets.map { "    \($0.name): \(YAMLText.quoted($0.letters.joined(separator: " & ")))" }
        return lines + block("sets", sets, empty: "{}", indent: 2)
    }

    /// A key with its lines under it, or with the empty collection beside it.
    private func block(_ key: String, _ lines: [String], empty: String, indent: Int) -> [String] {
        let start = String(repeating: " ", count: indent) + key + ":"
        return lines.isEmpty ? ["\(start) \(empty)"] : [start] + lines
    }
}
