package import Cluster
package import Coordinator
import Logging

extension MembershipMonitor {
    /// One that keeps its log to itself.
    package static func quiet(own: NodeID, cluster: ClusterID) -> MembershipMonitor {
        MembershipMonitor(own: own, cluster: cluster, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}
