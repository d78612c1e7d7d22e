/// What another node lends, as its models.ini says it: read once, merged often. Everything in it is another host's word.
package struct LentFile: Equatable, Sendable {
    package let node: NodeID
    /// What people call the node.
    package let name: String
    /// In the order of the file.
    package private(set) var tiers: [LentTier]

    /// Bytes of one file: a models.ini has a few thousand.
    package static let textLimit = 256 << 10
    /// The time to read a file grows with the square of its lines.
    package static let lineLimit = 4096
    /// Tiers of one file; as many as are believed of a node's description.
    package static let tierLimit = 256

    /// - Parameters:
    ///   - text: what the node's listener shows.
    /// - Throws: ``CatalogError`` where it is no models.ini, or a larger one than any.
    package init(node: NodeID, name: String, text: String) throws(CatalogError) {
        let lines = try Self.lines(of: text)
        let document = try INIDocument.parse(text, file: Self.file)
        // Without an environment: nothing of this host's belongs into it.
        let catalog = try Catalog.parse(text, file: Self.file)
        self.node = node
        self.name = name.printable()
        let ends = document.headers.dropFirst().map(\.line) + [lines.count + 1]
        let starts = Dictionary(zip(document.headers.map(\.line), ends), uniquingKeysWith: { first, _ in first })
        tiers = []
        for tier in catalog.tiers.prefix(Self.tierLimit) {
            guard let section = document.sections.first(where: { $0.name == tier.name }),
                let end = starts[section.line]
            else { continue }
            let body = Array(lines[section.line..<(end - 1)])
            if let lent = LentTier(tier, section, body, of: document) { tiers.append(lent) }
        }
    }

    /// Only those tiers: what a node lends now may be less than it did when its file was read.
    package func only(_ names: Set<String>) -> LentFile {
        var copy = self
        copy.tiers.removeAll { !names.contains($0.tier.name) }
        return copy
    }

    private static let file = "models.ini"

    private static func lines(of text: String) throws(CatalogError) -> [String] {
        guard text.utf8.count <= textLimit else {
            throw CatalogError(
                file: file, line: nil, problem: "it has more than \(textLimit >> 10) KiB", fix: "shorten it there")
        }
        let lines = text.unicodeScalars.iniLines
        guard lines.count <= lineLimit else {
            throw CatalogError(
                file: file, line: nil, problem: "it has more than \(lineLimit) lines", fix: "shorten it there")
        }
        return lines.map { line in
            let content = line.reversed().drop { $0 == "\n" || $0 == "\r" }.reversed()
            return String(String.UnicodeScalarView(content))
        }
    }
}

/// A section of a ``LentFile``.
package struct LentTier: Equatable, Sendable {
    /// As its own file has it, references to the environment left out.
    package let tier: Tier
    private let lines: [Line]
    /// Keys of the section itself.
    private let stated: Set<String>
    /// What the section inherits there: keys with their values, in the order of the file.
    private let inherited: [(key: String, value: String)]

    private struct Line: Equatable {
        var text: String
        /// nil for comments and blank lines.
        var key: String?
    }

    package static func == (a: LentTier, b: LentTier) -> Bool {
        a.tier == b.tier && a.lines == b.lines && a.stated == b.stated
            && a.inherited.elementsEqual(b.inherited, by: ==)
    }

    /// Keys that take `$NAME` from the environment of whoever reads them.
    private static let expandedKeys: Set<String> = [
        "aws_region", "aws_profile", "aws_endpoint_url", "aws_region_next", "aws_profile_next", "aws_endpoint_url_next",
    ]

    /// - Parameter body: the lines after the section's header.
    /// - Returns: nil where its name or its lines cannot be shown.
    fileprivate init?(_ tier: Tier, _ section: INIDocument.Section, _ body: [String], of document: INIDocument) {
        guard tier.name == tier.name.printable(), tier.name == tier.name.trimmed, !tier.name.contains(",") else {
            return nil
        }
        let reader = SectionReader(document: document, section: section, file: "", environment: { _ in nil })
        func isReference(_ key: String) -> Bool {
            Self.expandedKeys.contains(key) && reader.nonEmpty(key) != nil && reader.expanded(key) == nil
        }
        let entries = section.entries.filter { !isReference($0.key) }
        var lines: [Line] = []
        var number = section.line
        for text in body {
            number += 1
            let first = text.unicodeScalars.first { !$0.isSpace }
            let isKept = first == nil || first == "#" || first == ";"
            let key = isKept ? nil : section.entries.last { $0.line <= number }?.key
            if let key, isReference(key) { continue }
            lines.append(Line(text: text, key: key))
        }
        // What follows the last key is about the next section.
        while let last = lines.last, last.key == nil { lines.removeLast() }
        let inherited = document.defaults.entries.filter { entry in
            section.entry(entry.key) == nil && !ServerDefaults.keys.contains(entry.key) && !isReference(entry.key)
        }
        let texts = lines.map(\.text) + inherited.flatMap { [$0.key, $0.value] }
        guard texts.allSatisfy({ $0.unicodeScalars.allSatisfy { $0.isPrintable || $0 == "\t" || $0 == "\n" } }) else {
            return nil
        }
        self.tier = tier
        self.lines = lines
        stated = Set(entries.map(\.key))
        self.inherited = inherited.map { ($0.key, $0.value) }
    }

    /// The section for a file with other defaults: whoever reads it there reads the tier that its own file has.
    ///
    /// - Parameters:
    ///   - defaults: `[DEFAULT]` of that file.
    ///   - aliases: those of the tier's that it may have there.
    /// - Returns: lines from the header on, the last one ended.
    func text(under defaults: INIDocument.Section, aliases: [String]) -> String {
        var text = "[\(tier.name)]\n"
        let isCurtailed = aliases != tier.effectiveAliases
        for line in lines where !(isCurtailed && line.key == "aliases") { text += line.text + "\n" }
        var stated = stated
        var wanted = inherited
        if isCurtailed {
            stated.remove("aliases")
            wanted.removeAll { $0.key == "aliases" }
            // No alias at all would mean those of the role; the tier's own name takes nothing from anybody.
            wanted.append(("aliases", aliases.isEmpty ? tier.name : aliases.joined(separator: ",")))
        }
        let known = Set(wanted.map(\.key))
        // An empty value counts as none: it undoes the default.
        wanted += defaults.entries.filter { !known.contains($0.key) }.map { ($0.key, "") }
        for (key, value) in wanted
        where !stated.contains(key) && !ServerDefaults.keys.contains(key)
            && value != defaults.entry(key)?.value ?? ""
        {
            text += Self.entry(key, value)
        }
        return text
    }

    /// A key with its value as it is read again: `;` after white space would begin a comment.
    private static func entry(_ key: String, _ value: String) -> String {
        guard !value.isEmpty else { return "\(key) =\n" }
        let lines = value.split(separator: "\n", omittingEmptySubsequences: false)
        let rest = lines.dropFirst().map { $0.isEmpty ? "\n" : "  \($0)\n" }.joined()
        let first = lines.first ?? ""
        return first.isEmpty || first.hasPrefix(";") ? "\(key) =\(first)\n\(rest)" : "\(key) = \(first)\n\(rest)"
    }
}
