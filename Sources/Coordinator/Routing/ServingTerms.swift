import Cluster
import Wire

/// On what terms one request is served: what models.ini says, and how the router serves.
struct ServingTerms {
    let reading: RoutingRules.Reading
    let profile: ServingProfile
    /// nil where the router tells nobody of its node.
    let node: NodeRoutes?

    var table: RoutingTable { reading.table }
    var placement: Placement { reading.placement }

    /// What stands in for the ladder's choice where that is not lent: the agent's tier, which every request may go to.
    func lent(_ model: String) -> String {
        guard profile.servesOnlyShared, let tier = table.catalog.tier(named: model),
            !table.catalog.node.shares(tier), let agent = table.catalog.tier(named: table.ladder.settings.agentModel),
            table.catalog.node.shares(agent)
        else { return model }
        return table.ladder.settings.agentModel
    }

    /// - Returns: why others may not ask for a model here; nil when they may.
    func refusal(of model: String?) -> OpenAIError? {
        guard profile.servesOnlyShared else { return nil }
        guard let model, let tier = table.catalog.tier(named: model) else {
            return OpenAIError(
                404, "model_not_found",
                model.map { "No tier here is called \"\($0)\"; GET /v1/models lists them." }
                    ?? "The request names no tier in \"model\"; GET /v1/models lists them.")
        }
        guard table.catalog.node.shares(tier) else {
            return OpenAIError(
                403, "model_not_allowed", "This node does not lend \"\(tier.name)\": [NODE] share in its models.ini.")
        }
        if let policy = node?.node.description.policy, !policy.accepting {
            return OpenAIError(
                503, "no_node_available", "This node takes no work of others: \(policy.reason ?? "it is draining").",
                retryAfter: 30)
        }
        return nil
    }
}
