/// Which host answers for a model.
///
/// 1. A name or alias of a hosted tier: AWS Bedrock.
/// 2. Everything else: the node that serves it. What no tier is called goes to the local node too, whose llama-swap
///    may know it; the router does not guess.
package struct Placement: Equatable, Sendable {
    package enum Decision: Equatable, Sendable {
        case node(Sighting)
        case hosted(Tier)
    }

    private let local: Sighting
    private let hosted: [String: Tier]

    package init(local: Sighting, catalog: Catalog) {
        self.local = local
        var hosted: [String: Tier] = [:]
        for tier in catalog.hostedTiers {
            for name in [tier.name] + tier.aliases where hosted[name] == nil { hosted[name] = tier }
        }
        // A local tier of the same name keeps it.
        for tier in catalog.localTiers { hosted[tier.name] = nil }
        self.hosted = hosted
    }

    /// - Parameter model: nil when the request names none that could be a tier's.
    package func place(_ model: String?) -> Decision {
        // 1
        if let model, let tier = hosted[model] { return .hosted(tier) }
        // 2
        return .node(local)
    }
}
