package import Cluster
package import Logging
import Synchronization
package import Wire

package final class NodeAgent: LocalNode, TrafficMeter {
    let state: Mutex<NodeDescription>
    package init(
        catalog: Catalog, usesNext: Bool, id: NodeID, name: String, cluster: ClusterIdentity, version: String,
        llamaSwap: Endpoint, work: WorkDirectory, log: Logger
    ) {
        state = Mutex(
            NodeDescription(
                id: id, name: name, cluster: cluster.id, clusterName: cluster.name, version: version,
                machine: .init(platform: "x", accelerator: nil, modelMemory: 0, memory: 0), epoch: 1))
    }
    package var description: NodeDescription { state.withLock { $0 } }
    package func descriptions() -> AsyncStream<NodeDescription> {
        AsyncStream { $0.yield(description) }
    }
    package func drain(_ reason: String?) {}
    package func began(_ tier: String) {}
    package func ended(_ tier: String, _ timings: ReplyTimings?) {}
    package func use(_ catalog: Catalog) {}
    package func run() async { while (try? await Task.sleep(for: .seconds(1))) != nil {} }
}
