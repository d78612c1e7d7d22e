/// models.ini as a router of a cluster shows it: the node's own, byte for byte, then the tiers that only others lend.
///
/// For clients, which make their lists of models of it. No router reads it as its own.
package enum MergedCatalog {
    /// Tiers of others.
    package static let tierLimit = 256
    /// Bytes that they may take together, so that a thin client takes the whole.
    package static let textLimit = 1 << 20

    /// What a comment says above a section that is another node's.
    private static let mark = "; served by "
    /// Names that no tier of another node can have: the router's own, and those that mean something in the file.
    private static let reserved: Set<String> = [
        "auto", INIDocument.defaultName, NodeSection.sectionName, RoutingSection.sectionName,
    ]

    /// 1. A tier whose name is a section's or an alias of the own file's is the own one.
    /// 2. Of one name on several other nodes, the text is the first node's, by name; all of them are named.
    /// 3. Names count before aliases; an alias that is taken is left out.
    ///
    /// - Parameters:
    ///   - own: the node's file as it may be seen. Where it cannot be read, it stays alone.
    ///   - others: what other nodes lend, in any order.
    package static func text(own: String, others: [LentFile]) -> String {
        guard !others.isEmpty, let document = try? INIDocument.parse(own, file: "models.ini"),
            let catalog = try? Catalog.parse(own, file: "models.ini")
        else { return own }
        // 1
        var taken = reserved.union(document.sections.map(\.name))
        for tier in catalog.tiers { taken.formUnion(tier.effectiveAliases) }
        let chosen = choose(others, except: taken)
        taken.formUnion(chosen.map(\.lent.tier.name))
        var merged = own
        if let last = own.unicodeScalars.last, last != "\n", last != "\r" { merged += "\n" }
        var room = textLimit
        for (lent, hosts) in chosen {
            // 3
            let aliases = lent.tier.effectiveAliases.filter { $0 == lent.tier.name || !taken.contains($0) }
            let section =
                "\n\(mark)\(hosts.joined(separator: ", "))\n"
                + lent.text(under: document.defaults, aliases: aliases)
            guard section.utf8.count <= room else { continue }
            taken.formUnion(aliases)
            room -= section.utf8.count
            merged += section
        }
        return merged
    }

    /// Each tier that is not taken, with the nodes that lend it.
    private static func choose(_ files: [LentFile], except taken: Set<String>) -> [(lent: LentTier, hosts: [String])] {
        var chosen: [(lent: LentTier, hosts: [String])] = []
        var places: [String: Int] = [:]
        // 2
        for file in files.sorted(by: { ($0.name, $0.node.description) < ($1.name, $1.node.description) }) {
            for lent in file.tiers where !taken.contains(lent.tier.name) {
                if let place = places[lent.tier.name] {
                    if chosen[place].hosts.last != file.name { chosen[place].hosts.append(file.name) }
                } else if chosen.count < tierLimit {
                    places[lent.tier.name] = chosen.count
                    chosen.append((lent, [file.name]))
                }
            }
        }
        return chosen
    }

    /// Names of the sections that others' nodes serve, as far as the comments above them say so.
    static func borrowed(_ text: String, _ document: INIDocument) -> Set<String> {
        let lines = text.unicodeScalars.iniLines
        let mark = mark.unicodeScalars
        let sections = document.sections.filter { section in
            section.line > 1 && lines[section.line - 2].starts(with: mark)
        }
        return Set(sections.map(\.name))
    }
}
