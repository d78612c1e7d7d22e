package import Cluster

/// Names that two local tiers claim: llama-swap then refuses its whole configuration.
package struct AliasClash: Equatable, Sendable {
    package var alias: String
    package var tiers: [String]

    var problem: String { "\"\(alias)\" names \(tiers.joined(separator: " and ")); llama-swap refuses that" }
    static let fix = "give one of them other aliases = … in models.ini"

    package static func all(_ catalog: Catalog) -> [AliasClash] {
        var claims: [(name: String, tiers: [String])] = []
        func claim(_ name: String, _ tier: String) {
            guard let index = claims.firstIndex(where: { $0.name == name }) else {
                return claims.append((name, [tier]))
            }
            if !claims[index].tiers.contains(tier) { claims[index].tiers.append(tier) }
        }
        for tier in catalog.localTiers {
            for name in [tier.name] + tier.effectiveAliases { claim(name, tier.name) }
        }
        return claims.filter { $0.tiers.count > 1 }.map { AliasClash(alias: $0.name, tiers: $0.tiers) }
    }
}
