package import Cluster
import Synchronization

/// What all routers of a process decide by.
package final class RoutingRules: Sendable {
    /// One reading of models.ini: an object, so that taking it is one reference and not a copy of many.
    final class Reading: Sendable {
        let table: RoutingTable
        let hosted: HostedTiers
        /// For requests that leave the tier to the ladder.
        let terms: RoutingTerms
        /// Tiers by all their names, as ``Catalog/tier(named:)`` finds them one by one.
        private let tiers: [String: (name: String, isHosted: Bool)]

        init(_ table: RoutingTable) {
            self.table = table
            hosted = HostedTiers(table.catalog)
            terms = RoutingTerms(
                ladder: table.ladder, hasToolsFloor: table.catalog.routing.hasToolsFloor,
                own: { table.catalog.tier(named: $0).map { ($0.name, $0.isHosted) } })
            let hosted = hosted
            tiers = table.catalog.tiers.reduce(into: [:]) { tiers, tier in
                for name in [tier.name] + tier.effectiveAliases {
                    // A name that leads to AWS on a host by itself leads there in a cluster.
                    tiers[name] = (hosted[name] ?? table.catalog.tier(named: name)).map { ($0.name, $0.isHosted) }
                }
            }
        }

        /// Whether a tier of this host runs on it; nil where it has none of that name.
        func isLocal(_ tier: String) -> Bool? { tiers[tier].map { !$0.isHosted } }

        /// The tier of this host that a name stands for.
        func tier(named name: String) -> String? { tiers[name]?.name }
    }

    /// The local node's llama-swap.
    let local: Sighting
    private let reading: Mutex<Reading>

    package init(_ table: RoutingTable, local: Sighting) {
        self.local = local
        reading = Mutex(Reading(table))
    }

    var current: Reading { reading.withLock { $0 } }

    /// Decides by this from the next request on.
    package func use(_ table: RoutingTable) {
        let new = Reading(table)
        reading.withLock { $0 = new }
    }
}
