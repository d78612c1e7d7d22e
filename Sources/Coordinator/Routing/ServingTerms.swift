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

    /// Where a request goes that leaves the choice to the ladder.
    ///
    /// - Returns: the ladder's choice; where that is not lent the agent's tier, which every request may go to unless it
    ///   asks for no filter; nil where that is not lent either, or is a hosted one, which somebody would pay.
    func lent(_ decision: Ladder.Decision) -> String? {
        guard profile.servesOnlyShared else { return decision.model }
        if isLent(decision.model) { return decision.model }
        let agent = table.ladder.settings.agentModel
        guard decision.rule != Ladder.uncensoredRule, isLent(agent),
            table.catalog.tier(named: agent)?.isHosted == false
        else { return nil }
        return agent
    }

    private func isLent(_ model: String) -> Bool {
        table.catalog.tier(named: model).map(table.catalog.node.shares) ?? false
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
        // This host's own users may start a download; others may not.
        if let report = node?.node.description.tiers.first(where: { $0.name == tier.name }),
            [.absent, .unfit].contains(report.state)
        {
            let reason = report.state == .absent ? "its weights are not there" : "it does not fit this machine"
            return OpenAIError(
                503, "no_node_available", "This node cannot serve \"\(tier.name)\": \(report.note ?? reason).")
        }
        return nil
    }
}
