package import Cluster

/// opencode.json (https://opencode.ai/docs/config): one provider, our router, with every section of models.ini as a
/// model. There is no sampler in it: those belong to the tiers.
package struct OpencodeConfig: Equatable, Sendable {
    private let catalog: Catalog
    private let baseURL: String
    private let instructions: [String]
    private let settings: OpencodeSettings
    private let access: Access

    /// How the router lets opencode in, and how long opencode is to wait for it.
    package struct Access: Equatable, Sendable {
        /// May refer to a file: `{file:/path}` (https://opencode.ai/docs/config/#files).
        package var apiKey = "sk-no-key-required"
        /// Milliseconds for a whole reply; nil leaves it to opencode, which takes 300,000.
        package var timeout: Int?

        package init() {}

        /// Of a cluster with keys: a model may take 900 s to load, and its reply some more. Who waits is told of a host
        /// that is lost, so nobody waits in vain.
        package static let patient = Access(timeout: 1_800_000)

        private init(timeout: Int) { self.timeout = timeout }
    }

    /// Name of the provider, and so the first part of every model's full name.
    private static let provider = "llama.cpp"
    /// Tokens, for a section that has no `ctx_size`.
    private static let unknownContext = 8192
    /// Tokens that a reply may have: agents write whole files.
    private static let agentOutput = 32768
    private static let usualOutput = 8192
    private static let autoOutput = 16384

    /// - Parameters:
    ///   - baseURL: the router's, with `/v1` at its end.
    ///   - instructions: paths of instruction files; empty leaves the key out.
    package init(
        catalog: Catalog, baseURL: String, instructions: [String], settings: OpencodeSettings, access: Access = Access()
    ) {
        self.catalog = catalog
        self.baseURL = baseURL
        self.instructions = instructions
        self.settings = settings
        self.access = access
    }

    /// The router of this host as `[DEFAULT]` of models.ini places it.
    package static func localBaseURL(_ defaults: ServerDefaults) -> String {
        let host = defaults.host.contains(":") && !defaults.host.hasPrefix("[") ? "[\(defaults.host)]" : defaults.host
        return "http://\(host):\(defaults.routerPort)/v1"
    }

    /// The whole file.
    package var json: String {
        var members: [OrderedJSON.Member] = []
        func add(_ key: String, _ value: OrderedJSON?) {
            if let value { members.append(.init(key: key, value: value)) }
        }
        add("$schema", .string("https://opencode.ai/config.json"))
        add("share", .string(settings.share))
        add("autoupdate", .string("notify"))
        add("username", settings.username.map { .string($0) })
        add("disabled_providers", settings.disabledProviders.isEmpty ? nil : .strings(settings.disabledProviders))
        add("instructions", instructions.isEmpty ? nil : .strings(instructions))
        add("model", .string(Self.full("auto")))
        add("small_model", last(.fast).map { .string(Self.full($0)) })
        add("provider", providers)
        add("agent", agents)
        add("command", commands)
        return OrderedJSON.object(members).text
    }

    private var providers: OrderedJSON {
        let models =
            [auto] + catalog.sections.map { OrderedJSON.Member(key: $0.name, value: Self.model($0)) }
        return .members([
            Self.provider: .members([
                "npm": .string("@ai-sdk/openai-compatible"),
                "name": .string("llmstack"),
                "options": .object(options),
                "models": .object(models),
            ])
        ])
    }

    private var options: [OrderedJSON.Member] {
        [
            .init(key: "baseURL", value: .string(baseURL)), .init(key: "apiKey", value: .string(access.apiKey)),
        ] + (access.timeout.map { [.init(key: "timeout", value: .integer($0))] } ?? [])
    }

    private var auto: OrderedJSON.Member {
        let context =
            catalog.sections.first { $0.role == .fast }.map(Self.context)
            ?? catalog.sections.map(Self.context).max() ?? Self.unknownContext
        return .init(
            key: "auto",
            value: Self.model(
                "Auto - the router picks the tier", context: context, output: Self.autoOutput, reasoning: false))
    }

    private static func model(_ section: Catalog.Section) -> OrderedJSON {
        model(
            section.description, context: context(section),
            output: section.role == .agent ? agentOutput : usualOutput,
            reasoning: section.role == .agent || section.role == .planUncensored)
    }

    private static func model(_ name: String, context: Int, output: Int, reasoning: Bool) -> OrderedJSON {
        var members: [OrderedJSON.Member] = [
            .init(key: "name", value: .string(name)),
            .init(key: "limit", value: .members(["context": .integer(context), "output": .integer(output)])),
            .init(key: "tool_call", value: .boolean(true)),
        ]
        if reasoning { members.append(.init(key: "reasoning", value: .boolean(true))) }
        let free = ["input", "output", "cache_read", "cache_write"].map {
            OrderedJSON.Member(key: $0, value: .integer(0))
        }
        members.append(.init(key: "cost", value: .object(free)))
        return .object(members)
    }

    private static func context(_ section: Catalog.Section) -> Int {
        section.contextSize == 0 ? unknownContext : section.contextSize
    }

    /// opencode's builder, its planner, and a planner of our own; nil when the file has a tier for none of them.
    private var agents: OrderedJSON? {
        var members: [OrderedJSON.Member] = []
        if last(.agent) != nil {
            members.append(.init(key: "build", value: .members(["model": .string(Self.full("auto"))])))
        }
        for (name, role) in [("plan", Role.plan), ("plan-nofilter", .planUncensored)] {
            guard let tier = last(role) else { continue }
            members.append(
                .init(
                    key: name,
                    value: .members([
                        "model": .string(Self.full(tier)),
                        "permission": .members([
                            "edit": .string("deny"), "write": .string("deny"), "bash": .string("deny"),
                        ]),
                    ])))
        }
        return members.isEmpty ? nil : .object(members)
    }

    private var commands: OrderedJSON {
        .members([
            "review": .members([
                "description": .string("Read the uncommitted changes and say what is wrong with them"),
                "agent": .string("plan"),
                "template": .string(Self.reviewTemplate),
            ]),
            "nofilter": .members([
                "description": .string("Ask the planner that has no filter"),
                "agent": .string("plan-nofilter"),
                "template": .string("[nofilter]"),
            ]),
        ])
    }

    /// opencode runs what stands in !`…` itself, before it asks: the planner may run nothing.
    private static let reviewTemplate = """
        These are the uncommitted changes of this working tree:

        !`git diff HEAD`

        List what is wrong or risky in them, worst first, each with its file and line and how to mend it. \
        Change nothing. $ARGUMENTS
        """

    /// The last section of a role: where a file names several, the later one is meant to win. Those that other nodes lend
    /// come and go, and stand in only where the router's own host has none.
    private func last(_ role: Role) -> String? {
        (catalog.sections.last { $0.role == role && !$0.isBorrowed } ?? catalog.sections.last { $0.role == role })?.name
    }

    private static func full(_ name: String) -> String { "\(provider)/\(name)" }
}
