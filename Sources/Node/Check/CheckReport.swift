package import Cluster
import Foundation

/// What `llmstack check` found: the weights that models.ini names, where they are, what Hugging Face says of them, what
/// llama-swap.yaml runs instead, and whether it all fits.
package struct CheckReport: Sendable {
    package struct Weights: Sendable {
        package var download: ModelDownload
        package var found: WeightsCache.Found?
        package var answer: HubClient.Answer
        package var hasDrifted: Bool
    }

    package let catalog: Catalog
    package let weights: [Weights]
    package let drift: [Drift]
    package let clashes: [AliasClash]
    package let memory: MemoryMath
    /// Whose credentials hosted tiers are asked with, where AWS was asked.
    package let access: [HostedAccess]

    /// Looks at everything; nothing of it can fail for want of a network.
    ///
    /// - Parameters:
    ///   - yaml: the project's llama-swap.yaml, where there is one.
    ///   - access: what AWS says of the hosted tiers, where it was asked.
    package static func make(
        _ catalog: Catalog, yaml: String?, environment: [String: String], access: [HostedAccess] = []
    ) async -> CheckReport {
        let cache = WeightsCache(environment: environment)
        let drift = yaml.map { Drift.all(catalog, yaml: SwapYAMLWeights(yaml: $0)) } ?? []
        let client = HubClient(environment: environment)
        let files = ModelDownload.everyTier(catalog)
        let answers = await withTaskGroup(of: (Int, HubClient.Answer).self) { group in
            for (index, file) in files.enumerated() { group.addTask { (index, await client.ask(file.weights)) } }
            return await group.reduce(into: [Int: HubClient.Answer]()) { $0[$1.0] = $1.1 }
        }
        let weights = files.enumerated().map { index, file in
            Weights(
                download: file, found: cache.find(file.weights), answer: answers[index] ?? .silence,
                hasDrifted: file.label == .current && drift.contains { $0.tier == file.tier })
        }
        let memory = await MemoryMath.ofThisHost(catalog, environment: environment)
        return CheckReport(
            catalog: catalog, weights: weights, drift: drift, clashes: AliasClash.all(catalog), memory: memory,
            access: access)
    }

    /// For people: a line a file, then what needs attention.
    package var text: String {
        var lines: [String] = []
        for tier in catalog.tiers {
            if case .bedrock(let bedrock) = tier.backend {
                lines.append(row(tier.name, "bedrock", bedrock.modelID, bedrock.details(next: false)))
                if let next = bedrock.nextModelID {
                    lines.append(row(tier.name, "next", next, bedrock.details(next: true)))
                }
            }
            for one in weights where one.download.tier == tier.name {
                let label = one.hasDrifted ? "DRIFT!" : one.download.label.rawValue
                lines.append(row(tier.name, label, one.download.weights.file, one.details))
            }
        }
        if catalog.tiers.isEmpty { lines.append("models.ini has no tiers\n  next: add one; its comments say how") }
        if !weights.isEmpty, weights.allSatisfy({ $0.answer == .silence }) {
            lines += ["", "(Hugging Face was not reached: nothing is said of what it has)"]
        }
        if !access.isEmpty { lines += ["", "AWS credentials of hosted tiers:"] + access.map(\.text) }
        for one in drift {
            lines += [
                "", "[\(one.tier)] models.ini has \(one.wanted.repo) / \(one.wanted.file)",
                "  yaml has  \(one.running.repo) / \(one.running.file)",
                "  fix: llmstack restart writes llama-swap.yaml anew from models.ini",
            ]
        }
        for clash in clashes {
            lines += ["", "warning: \(clash.problem)", "  fix: \(AliasClash.fix)"]
        }
        for doubt in catalog.doubts { lines += ["", "warning: \(doubt)"] }
        let sums = memory.lines
        if !sums.isEmpty { lines += [""] + sums }
        return lines.joined(separator: "\n") + "\n"
    }

    private func row(_ tier: String, _ label: String, _ file: String, _ details: String) -> String {
        func column(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        let files = weights.map(\.download.weights.file)
        let width = min(max(40, (files.map(\.count).max() ?? 0) + 2), 80)
        return "\(column(tier, 17))\(column(label, 9))\(column(file, width))\(details)"
    }
}

extension ModelDownload {
    /// Like ``all(_:)``, with shared files under each tier that names them.
    static func everyTier(_ catalog: Catalog) -> [ModelDownload] {
        catalog.tiers.flatMap { tier in
            guard case .gguf(let gguf) = tier.backend else { return [ModelDownload]() }
            return [ModelDownload(tier: tier.name, label: .current, weights: gguf.current)]
                + (gguf.next.map { [ModelDownload(tier: tier.name, label: .next, weights: $0)] } ?? [])
        }
    }
}

extension Bedrock {
    /// Region and profile.
    fileprivate func details(next: Bool) -> String {
        let region = target(next: next).region ?? "region of the environment or the profile"
        return [region, profile.map { "profile \($0)" } ?? "default credentials"].joined(separator: ", ")
    }
}

extension CheckReport.Weights {
    /// Size, where the file is, what Hugging Face says.
    var details: String {
        var words: [String] = []
        let size = download.weights.sizeGB
        if size > 0 { words.append("\(ByteCount.oneDecimal(size)) GB") }
        words.append(found.map { "here (\(ByteCount.text($0.bytes)))" } ?? "not here")
        switch answer {
        case .model(let model):
            words.append(
                model.fileBytes.map { "Hugging Face: \(ByteCount.text($0)), changed \(model.changed)" }
                    ?? "Hugging Face: no such file in \(download.weights.repo)")
        case .status(404), .status(401):
            words.append("Hugging Face: no repository \(download.weights.repo), or it needs HF_TOKEN")
        case .status(let status): words.append("Hugging Face: status \(status)")
        case .silence: break
        }
        return words.joined(separator: ", ")
    }
}

extension MemoryMath {
    /// The table and, where it helps, the command that raises the limit.
    package var lines: [String] {
        guard !rows.isEmpty else { return [] }
        var lines = ["memory at full context (\(limit.description)):"]
        for row in rows {
            let names = row.names
            let padded = names + String(repeating: " ", count: max(1, 46 - names.count))
            let about = row.need.isMeasured ? "" : "about "
            let sum =
                "\(ByteCount.oneDecimal(row.need.weightsGB)) GB weights + \(about)"
                + "\(ByteCount.oneDecimal(row.need.cacheGB)) GB cache = \(ByteCount.oneDecimal(row.totalGB)) GB"
            lines.append("  \(padded)\(sum): \(row.verdict.text)")
        }
        if rows.contains(where: { !$0.need.isMeasured }) {
            lines.append("  (\"about\": from the weights' size; exact once the files are on this machine)")
        }
        if rows.contains(where: { $0.verdict == .tooBig }) {
            lines.append("  next: for what does not fit, name a smaller hf_file or ctx_size in models.ini")
        }
        if let raisedLimit {
            lines.append("  fix: sudo sysctl iogpu.wired_limit_mb=\(raisedLimit)    until the next boot")
        }
        return lines
    }
}

extension MemoryMath.Row {
    var names: String { tiers.joined(separator: " + ") + (label == .next ? " (next)" : "") }
}

extension MemoryMath.Verdict {
    var text: String {
        switch self {
        case .fits: "fits"
        case .fitsWithLimit: "needs a raised limit"
        case .tooBig: "does not fit"
        case .unknown: "unknown: size_gb is missing in models.ini"
        }
    }
}
