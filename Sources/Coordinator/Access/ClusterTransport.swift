package import Cluster
package import Wire

/// How this host reaches others of its cluster.
package struct ClusterTransport: Sendable {
    /// What it shows them; nil in an open cluster, which speaks plain HTTP.
    private let identity: TLSIdentity?
    private let isRevoked: @Sendable (NodeID) -> Bool

    /// Of an open cluster.
    package static let plain = ClusterTransport(identity: nil) { _ in false }

    /// - Parameters:
    ///   - identity: verifies who answers.
    ///   - isRevoked: asked again and again about those whose connections stay open.
    package init(identity: TLSIdentity?, isRevoked: @escaping @Sendable (NodeID) -> Bool) {
        self.identity = identity
        self.isRevoked = isRevoked
    }

    /// - Parameter node: who must answer there; nil takes any node of the cluster.
    package func endpoint(_ place: Place, _ node: NodeID?) -> Endpoint {
        var endpoint = Endpoint(host: place.host, port: place.port)
        if let identity { endpoint.security = .tls(identity, expected: node) }
        return endpoint
    }

    /// Whether a node that was let in is no more.
    func refuses(_ node: NodeID) -> Bool { isRevoked(node) }
}
