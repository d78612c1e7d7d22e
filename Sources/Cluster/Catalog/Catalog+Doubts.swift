extension Catalog {
    /// What the file's lenient reading takes otherwise than it looks, or not at all.
    ///
    /// - Parameters:
    ///   - document: the file that this was read from.
    ///   - borrowed: sections that are other nodes'.
    func findDoubts(_ document: INIDocument, file: String, borrowed: Set<String>) -> [CatalogError] {
        var doubts: [CatalogError] = []
        for section in [document.defaults] + document.sections
        where section.name != NodeSection.sectionName && !borrowed.contains(section.name) {
            func add(_ line: Int, _ problem: String, fix: String) {
                doubts.append(CatalogError(file: file, line: line, problem: problem.printable(), fix: fix))
            }
            let keys = SectionReader(document: document, section: section, file: file) { _ in nil }
            let isRouting = section.name == RoutingSection.sectionName
            if section.name != document.defaults.name, !isRouting, !tiers.contains(where: { $0.name == section.name }) {
                let (problem, fix) = Self.missing(keys)
                add(section.line, "[\(section.name)] \(problem)", fix: fix)
            }
            for entry in section.entries where !entry.value.isEmpty {
                let shown = "\(entry.key) = \(entry.value)"
                if isRouting, !RoutingSection.keys.contains(entry.key) {
                    add(
                        entry.line, "[ROUTING] knows no key \"\(entry.key)\"",
                        fix: "write one of \(RoutingSection.keys.joined(separator: ", ")); or delete the line")
                } else if isRouting, entry.key.hasSuffix("_model") {
                    guard tier(named: entry.value) == nil else { continue }
                    add(
                        entry.line, "\(shown) is no tier of this file",
                        fix: "write a tier's name or alias, or delete the line; in a cluster another node may lend it")
                } else if let example = Self.examples[entry.key], let reading = Self.reading(entry) {
                    add(
                        entry.line, "\(shown) \(reading)",
                        fix: "write the number alone, such as \(entry.key) = \(example)")
                } else if !isRouting, entry.key == "role", let role = Role.meant(by: entry.value) {
                    add(
                        entry.line, "\(shown) is no role that is known",
                        fix: "write role = \(role.name), if that is meant")
                }
            }
        }
        return doubts.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
    }

    /// Keys that hold a number, each with one that makes sense.
    static let examples = [
        "ctx_size": "65536", "ttl": "1200", "size_gb": "9.2", "size_gb_next": "12.1",
        "high_fidelity_ceiling": "12000", "mid_fidelity_ceiling": "32000", "multi_turn": "6",
    ]

    /// How a number is read that is not written as one; nil where it is.
    private static func reading(_ entry: INIDocument.Entry) -> String? {
        // What somebody took for a comment does no harm.
        let written = String(entry.value.prefix { $0 != "#" }).trimmed
        let isSize = entry.key.hasPrefix("size_gb")
        let isPlain = written.allSatisfy { isSize ? $0.isNumberPart : $0.isASCII && $0.isNumber }
        let number =
            isSize
            ? Double(String(entry.value.drop { !$0.isNumberPart }.prefix { $0.isNumberPart })).map { "\($0)" }
            : entry.value.firstInteger.map { "\($0)" }
        guard let number else { return "has no number that can be read, so it counts as left out" }
        return isPlain && !written.isEmpty ? nil : "is read as \(number)"
    }

    /// Why a section is no tier.
    private static func missing(_ keys: SectionReader) -> (problem: String, fix: String) {
        switch (keys.nonEmpty("hf_repo") != nil, keys.nonEmpty("hf_file") != nil) {
        case (true, _): ("has hf_repo but no hf_file, so it is no tier", "add hf_file = FILE.gguf")
        case (_, true): ("has hf_file but no hf_repo, so it is no tier", "add hf_repo = OWNER/NAME")
        default:
            (
                "names no model, so it is no tier, though opencode lists it",
                "add hf_repo and hf_file, or aws_model_id; or delete the section"
            )
        }
    }
}

extension Role {
    /// The role that a word was probably meant for; nil for a role's own word, and for a word that is like none.
    static func meant(by word: String) -> Role? {
        guard case .other = Role(word) else { return nil }
        let word = word.lowercased()
        return [Role.fast, .agent, .plan, .planUncensored].first {
            $0.aliases.contains(word) || word.isSlip(of: $0.name)
        }
    }
}

extension String {
    /// Whether one letter is wrong, too many or missing, or two beside each other have changed places.
    fileprivate func isSlip(of word: String) -> Bool {
        let same = zip(self, word).prefix { $0.0 == $0.1 }.count
        let (mine, other) = (Array(dropFirst(same)), Array(word.dropFirst(same)))
        let rest = (mine.dropFirst(), other.dropFirst())
        return rest.0.elementsEqual(rest.1) || rest.0.elementsEqual(other) || mine.elementsEqual(rest.1)
            || mine.prefix(2).elementsEqual(other.prefix(2).reversed())
                && mine.dropFirst(2).elementsEqual(other.dropFirst(2))
    }
}
