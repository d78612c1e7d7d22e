package import Cluster

/// Which weights a llama-swap.yaml runs for each tier, read off its command lines.
///
/// No YAML reader: what is looked for are two flags under a model's key, in a file that llmstack wrote, and that people
/// edit by hand a little at most.
package struct SwapYAMLWeights: Equatable, Sendable {
    package struct Weights: Equatable, Sendable {
        package var repo: String
        package var file: String

        package init(repo: String, file: String) {
            self.repo = repo
            self.file = file
        }
    }

    package private(set) var tiers: [String: Weights] = [:]

    package init(yaml: String) {
        var isInModels = false
        var tier: String?
        var keyIndent: Int?
        for line in yaml.split(whereSeparator: \.isNewline) {
            let text = line.drop { $0 == " " }
            let indent = line.count - text.count
            if text.isEmpty || text.hasPrefix("#") { continue }
            if indent == 0 {
                isInModels = text.hasPrefix("models:")
                tier = nil
                keyIndent = nil
                continue
            }
            guard isInModels else { continue }
            let modelIndent = keyIndent ?? indent
            keyIndent = modelIndent
            if indent == modelIndent {
                tier = Self.key(text)
            } else if let tier {
                collect(text, of: tier)
            }
        }
        tiers = tiers.filter { !$0.value.file.isEmpty }
    }

    /// `name:` or `"name":`.
    private static func key(_ text: Substring) -> String? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var name = text[..<colon]
        for quote in ["\"", "'"] where name.count >= 2 && name.hasPrefix(quote) && name.hasSuffix(quote) {
            name = name.dropFirst().dropLast()
        }
        return String(name)
    }

    private mutating func collect(_ line: Substring, of tier: String) {
        let words = line.split(separator: " ").map { $0.trimming { $0 == "\"" || $0 == "'" } }
        var weights = tiers[tier] ?? Weights(repo: "", file: "")
        for (flag, value) in zip(words, words.dropFirst()) {
            let value = String(value.filter { $0 != "\\" })
            if flag == "-hf" || flag == "--hf-repo" { weights.repo = value }
            if flag == "-hff" || flag == "--hf-file" { weights.file = value }
        }
        tiers[tier] = weights
    }
}

extension Substring {
    fileprivate func trimming(_ isTrimmed: (Character) -> Bool) -> Substring {
        var rest = drop(while: isTrimmed)
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return rest
    }
}

/// A tier whose llama-swap.yaml runs other weights than models.ini names.
package struct Drift: Equatable, Sendable {
    package var tier: String
    package var wanted: SwapYAMLWeights.Weights
    package var running: SwapYAMLWeights.Weights

    /// A tier that the file leaves out is no drift: it may be new, or hosted. Nor is the queued file: `start --next`
    /// writes it there.
    package static func all(_ catalog: Catalog, yaml: SwapYAMLWeights) -> [Drift] {
        catalog.tiers.compactMap { tier in
            guard case .gguf(let gguf) = tier.backend, let running = yaml.tiers[tier.name] else { return nil }
            let expected = [gguf.current, gguf.next].compactMap { $0 }.map {
                SwapYAMLWeights.Weights(repo: $0.repo, file: $0.file)
            }
            // Of a value with spaces, only the first word becomes the flag's argument.
            let isExpected = expected.contains {
                firstWord($0.repo) == running.repo && firstWord($0.file) == running.file
            }
            return isExpected ? nil : Drift(tier: tier.name, wanted: expected[0], running: running)
        }
    }

    private static func firstWord(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    }
}
