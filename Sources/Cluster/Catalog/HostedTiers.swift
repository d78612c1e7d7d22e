/// The names that lead to AWS Bedrock: those of hosted tiers, and their aliases.
package struct HostedTiers: Equatable, Sendable {
    private var tiers: [String: Tier] = [:]

    package init(_ catalog: Catalog) {
        for tier in catalog.hostedTiers {
            for name in [tier.name] + tier.aliases where tiers[name] == nil { tiers[name] = tier }
        }
        // A local tier of the same name keeps it.
        for tier in catalog.localTiers { tiers[tier.name] = nil }
    }

    /// - Returns: nil for every other name: the local llama-swap may know it.
    package subscript(name: String) -> Tier? { tiers[name] }
}
