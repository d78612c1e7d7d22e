package import Cluster

/// Everything that models.ini and the environment say about routing, worked out once and then only read.
package struct RoutingTable: Sendable {
    package let catalog: Catalog
    package let ladder: Ladder
    package let vocabulary: Vocabulary
    /// Whether queued models are in use (`start --next`).
    package let usesNext: Bool

    /// - Parameter environment: looks up `ROUTER_*` and `LLMSTACK_USE_NEXT`.
    package init(catalog: Catalog, environment: (String) -> String?) throws(Ladder.Settings.Invalid) {
        self.catalog = catalog
        let settings = try Ladder.Settings(routing: catalog.routing, environment: environment)
        ladder = Ladder(settings: settings, catalog: catalog)
        vocabulary = Vocabulary(routing: catalog.routing, planContext: ladder.planContext)
        usesNext = environment("LLMSTACK_USE_NEXT") == "1"
    }
}
