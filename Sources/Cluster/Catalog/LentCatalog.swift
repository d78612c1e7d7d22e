extension Catalog {
    /// Whether others see a model of that name: every name but those of tiers that this host keeps to itself.
    package func shows(_ name: String) -> Bool { tier(named: name).map(node.shares) ?? true }

    /// The file that it was read from, as others see it: without the sections of tiers that are not lent, and without
    /// `[NODE]`, which is about this host alone. Every other line stays as it is.
    ///
    /// - Parameter text: the file's.
    package func lentText(of text: String) -> String {
        var hidden = Set(tiers.filter { !node.shares($0) }.map(\.name))
        hidden.insert(NodeSection.sectionName)
        var isShown = true
        var lines: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            // A header, as INIDocument reads one; a value that goes on over lines is indented.
            if line.first == "[", let end = line.lastIndex(of: "]") {
                isShown = !hidden.contains(String(line[line.index(after: line.startIndex)..<end]))
            }
            if isShown { lines.append(line) }
        }
        return lines.joined(separator: "\n")
    }
}
