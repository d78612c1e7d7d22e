extension Catalog {
    /// Whether others may ask for a model of that name: the name or alias of a tier that is lent.
    package func lends(_ name: String) -> Bool { tier(named: name).map(node.shares) ?? false }

    /// The file that it was read from, as others see it: without the sections of tiers that are not lent, and without
    /// `[NODE]`, which is about this host alone. Every other line stays as it is.
    ///
    /// - Parameter text: the file's, which may be a newer one by now.
    /// - Throws: ``CatalogError`` where that cannot be read by its sections.
    package func lentText(of text: String) throws(CatalogError) -> String {
        var hidden = Set(tiers.filter { !node.shares($0) }.map(\.name))
        hidden.insert(NodeSection.sectionName)
        let headers = try INIDocument.parse(text, file: "models.ini").headers
        let headerNames = Dictionary(headers.map { ($0.line, $0.name) }, uniquingKeysWith: { first, _ in first })
        var isShown = true
        var shown = String.UnicodeScalarView()
        for (index, line) in text.unicodeScalars.iniLines.enumerated() {
            if let name = headerNames[index + 1] { isShown = !hidden.contains(name) }
            let isMarked = index == 0 && line.first == .byteOrderMark
            if isShown { shown += line } else if isMarked { shown.append(.byteOrderMark) }
        }
        return String(shown)
    }
}
