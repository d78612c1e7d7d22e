import Cluster
import Wire

extension OpenAIError {
    /// What a client is told whose request nobody can serve.
    init(_ unserved: Fleet.Unserved, _ route: Route, _ ask: PlacementQuestion.Ask) {
        switch (ask, unserved.kind) {
        case (.auto, _):
            self.init(
                503, "no_node_available",
                "auto chose \"\(route.tier)\" (\(route.reason)), and no node can serve it now. \(unserved.why)",
                retryAfter: unserved.retryAfter)
        case (_, .notLent):
            self.init(
                403, "model_not_allowed",
                "\"\(route.tier)\" is not lent ([NODE] share in models.ini). \(unserved.why)")
        case (_, .unknown):
            self.init(
                404, "model_not_found", "No tier here is called \"\(route.tier)\"; GET /v1/models lists them.")
        case (_, .unavailable):
            self.init(
                503, "no_node_available", "No node can serve \"\(route.tier)\" now. \(unserved.why)",
                retryAfter: unserved.retryAfter)
        }
    }
}
