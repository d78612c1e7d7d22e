package import Cluster
import Foundation
package import Trust
package import Wire

/// What a thin client has of one cluster with keys: how it tells that cluster's routers, and what it shows them.
package struct ClusterAccess: Sendable {
    package let verifier: PeerVerifier
    /// nil where this host has none.
    package let key: ClientKey?
    /// Takes the cluster's nodes and nobody else; shows no certificate.
    package let identity: TLSIdentity

    /// - Throws: `TLSIdentity.Failure`.
    package init(_ verifier: PeerVerifier, _ key: ClientKey?) throws {
        self.verifier = verifier
        self.key = key
        identity = try TLSIdentity(chainPEM: nil, keyPEM: nil) { chain in
            try await verifier.identity(of: chain, now: Date())
        }
    }

    /// What this host has kept.
    ///
    /// - Returns: nil where it has no certificate of the cluster's authority.
    /// - Throws: ``SecretsFailure``, or `TLSIdentity.Failure`.
    package init?(_ secrets: ClusterSecrets) throws {
        guard let verifier = try secrets.verifier() else { return nil }
        try self.init(verifier, try secrets.clientKey())
    }

    package var cluster: ClusterID { verifier.cluster }
    /// The pin of the cluster's authority, as text.
    package var authority: String { verifier.pin.text }

    /// `Authorization`, where there is a key.
    package var credentials: Fields {
        var fields = Fields()
        if let key { fields.add("authorization", "Bearer \(key.text)") }
        return fields
    }

    /// - Parameter node: who must answer there; nil takes any node of the cluster.
    package func endpoint(_ place: Place, _ node: NodeID?) -> Endpoint {
        var endpoint = Endpoint(host: place.host, port: place.port)
        endpoint.security = .tls(identity, expected: node)
        return endpoint
    }

    /// A GET with this host's key.
    ///
    /// - Parameter timeout: for the whole exchange.
    package func get(
        _ path: String, at place: Place, _ node: NodeID? = nil, timeout: Duration
    ) async throws(HTTPProbe.Failure) -> Probe.Reply {
        try await HTTPProbe.ask(
            "GET", at: endpoint(place, node), path: path, fields: credentials, timeout: timeout)
    }
}

/// All that this host has of clusters with keys, and the token that its user holds. What is on disk is read anew each time.
package struct KeyRing: Sendable {
    /// `~/.config/llmstack`; nil knows of nothing.
    private let configuration: String?
    package let token: JoinToken?

    package init(configuration: String, token: JoinToken? = nil) {
        self.configuration = configuration
        self.token = token
    }

    private init() { (configuration, token) = (nil, nil) }

    /// Of a host that has none.
    package static let empty = KeyRing()

    package func secrets(of cluster: ClusterID) throws(SecretsFailure) -> ClusterSecrets? {
        guard let configuration else { return nil }
        return try ClusterSecrets(configuration: configuration, cluster: cluster)
    }

    /// - Returns: nil where this host knows nothing of that cluster.
    /// - Throws: ``SecretsFailure``, or `TLSIdentity.Failure`.
    package func access(to cluster: ClusterID) throws -> ClusterAccess? {
        try secrets(of: cluster).flatMap { try ClusterAccess($0) }
    }

    /// The clusters that this host has something of. Files that cannot be used are another command's to complain of.
    package var all: [ClusterAccess] {
        guard let configuration else { return [] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: configuration)) ?? []
        return names.sorted().filter(Advertisement.isIdentifier).compactMap { try? access(to: ClusterID($0)) }
    }
}
