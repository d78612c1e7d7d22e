/// `[NODE]` of models.ini: what this host is to its cluster.
package struct NodeSection: Equatable, Sendable {
    /// What the node is called; nil takes the host's name.
    package var name: String?
    package var share = Share.heavy
    package var match = Match.name
    package var onBattery = OnBattery.drain

    /// Which tiers others may use.
    package enum Share: Equatable, Sendable {
        /// Local tiers, those of role `fast` excepted: what a laptop would want and cannot hold.
        case heavy
        /// Every local tier.
        case all
        case none
        /// These: the only way to share a hosted tier, which somebody's AWS account pays.
        case tiers([String])
    }

    /// When a tier of another host counts as the same.
    package enum Match: String, Equatable, Sendable, Codable, CaseIterable {
        /// The same file and settings.
        case exact
        /// The same model, however quantised.
        case family
        /// The same name.
        case name
    }

    package enum OnBattery: String, Equatable, Sendable, CaseIterable {
        /// Takes nobody else's work.
        case drain
        case serve
    }

    package init() {}

    package func shares(_ tier: Tier) -> Bool {
        switch share {
        case .heavy: !tier.isHosted && tier.role != .fast
        case .all: !tier.isHosted
        case .none: false
        case .tiers(let names): names.contains(tier.name)
        }
    }
}

extension NodeSection {
    static let sectionName = "NODE"

    private static let keys: Set<String> = ["name", "share", "match", "on_battery"]

    init(_ keys: SectionReader) throws(CatalogError) {
        if let entry = keys.section.entries.first(where: { !Self.keys.contains($0.key) }) {
            throw keys.fault(
                entry.key, "[NODE] knows no key \"\(entry.key)\"",
                fix: "write name, share, match or on_battery; or delete the line")
        }
        name = keys.nonEmpty("name")
        if let name, !ClusterIdentity.isName(name) {
            throw keys.fault(
                "name", "name = \(name) cannot be a node's name",
                fix: "use 1 to 40 letters, digits, - and _, a letter or digit first")
        }
        switch keys.nonEmpty("share") {
        case nil, "heavy": share = .heavy
        case "all": share = .all
        case "none": share = .none
        default: share = .tiers(keys.list("share"))
        }
        match = try Self.choice("match", .name, keys)
        onBattery = try Self.choice("on_battery", .drain, keys)
    }

    /// - Throws: when `share` names a tier that is none.
    func check(_ tiers: [Tier], _ keys: SectionReader) throws(CatalogError) {
        guard case .tiers(let names) = share,
            let stranger = names.first(where: { name in !tiers.contains { $0.name == name } })
        else { return }
        throw keys.fault(
            "share", "share names \"\(stranger)\", which is no tier of this file",
            fix: "write heavy, all, none, or names of tiers parted by commas")
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, _ standard: Choice, _ keys: SectionReader
    ) throws(CatalogError) -> Choice where Choice.RawValue == String {
        guard let text = keys.nonEmpty(key) else { return standard }
        if let choice = Choice(rawValue: text) { return choice }
        throw keys.fault(
            key, "\(key) = \(text) means nothing here",
            fix: "write one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
}
