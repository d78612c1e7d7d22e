/// Who a node's certificate says it is: `spiffe://<cluster id>/<role>/<node id>`, the one URI among its names.
///
/// Addresses and host names change; nodes know each other by this alone.
package struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    package enum Role: String, Hashable, Sendable, Codable, CaseIterable {
        case node
        /// A node that also holds the cluster's authority: it invites, renews and revokes.
        case issuer
    }

    package let cluster: ClusterID
    package let node: NodeID
    package let role: Role

    package init(cluster: ClusterID, node: NodeID, role: Role) {
        self.cluster = cluster
        self.node = node
        self.role = role
    }

    /// - Returns: nil where `uri` is none of ours.
    package init?(uri: String) {
        let scheme = "spiffe://"
        guard uri.hasPrefix(scheme) else { return nil }
        let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let role = Role(rawValue: String(parts[1])),
            Advertisement.isIdentifier(String(parts[0])), Advertisement.isIdentifier(String(parts[2]))
        else { return nil }
        self.init(cluster: ClusterID(String(parts[0])), node: NodeID(String(parts[2])), role: role)
    }

    package var uri: String { "spiffe://\(cluster)/\(role.rawValue)/\(node)" }

    package var description: String { uri }
}
