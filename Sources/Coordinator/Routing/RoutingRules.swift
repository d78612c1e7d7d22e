package import Cluster
import Synchronization

/// What all routers of a process decide by.
package final class RoutingRules: Sendable {
    /// One reading of models.ini: an object, so that taking it is one reference and not a copy of many.
    final class Reading: Sendable {
        let table: RoutingTable
        let hosted: HostedTiers

        init(_ table: RoutingTable) {
            self.table = table
            hosted = HostedTiers(table.catalog)
        }
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
