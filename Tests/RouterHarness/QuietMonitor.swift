package import Cluster
package import Coordinator
package import Logging

extension Logger {
    /// One that says nothing.
    package static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension MembershipMonitor {
    /// One that keeps its log to itself.
    package static func quiet(
        own: NodeID, cluster: ClusterID,
        onChange: @escaping @Sendable (NodeID, Membership.Member?) -> Void = { _, _ in }
    ) -> MembershipMonitor {
        MembershipMonitor(own: own, cluster: cluster, log: .quiet, onChange: onChange)
    }
}
