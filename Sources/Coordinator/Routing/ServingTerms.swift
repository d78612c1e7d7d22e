import Cluster
import Wire

/// On what terms one request is served: what models.ini says, and how the router serves.
struct ServingTerms {
    /// How a router serves: an object, so that taking it is one reference and not a copy of many.
    final class Serving: Sendable {
        let profile: ServingProfile
        let node: NodeRoutes?
        let access: AccessRoutes?

        init(_ profile: ServingProfile, _ node: NodeRoutes?, _ access: AccessRoutes?) {
            self.profile = profile
            self.node = node
            self.access = access
        }
    }

    let reading: RoutingRules.Reading
    let serving: Serving

    var profile: ServingProfile { serving.profile }
    /// nil where the router tells nobody of its node: then it serves this host alone.
    var node: NodeRoutes? { serving.node }
    /// nil where nobody is asked who they are.
    var access: AccessRoutes? { serving.access }
    var table: RoutingTable { reading.table }

    /// - Returns: why another node may not ask for a model here; nil when it may.
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
        return nil
    }
}
