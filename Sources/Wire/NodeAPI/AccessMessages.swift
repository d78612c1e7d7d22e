package import Cluster

/// What a newcomer says at `POST /llmstack/v1/join`, with its token's secret as bearer. Of a thin client only the name
/// counts.
package struct JoinRequest: Equatable, Sendable, Codable {
    /// What it wants to be called.
    package var name: String
    package var node: NodeID?
    /// A certificate signing request, PEM.
    package var request: String?
    /// What others reach it by.
    package var dnsNames: [String]
    package var addresses: [String]

    package init(
        name: String, node: NodeID? = nil, request: String? = nil, dnsNames: [String] = [], addresses: [String] = []
    ) {
        self.name = name
        self.node = node
        self.request = request
        self.dnsNames = dnsNames
        self.addresses = addresses
    }
}

/// What it is given.
package struct JoinReply: Equatable, Sendable, Codable {
    package var cluster: ClusterIdentity
    /// As the issuer calls it.
    package var name: String
    package var kind: AccessEntry.Kind
    /// The authority's certificate, PEM.
    package var authority: String
    /// Of an issuer: the authority's key, PEM.
    package var authorityKey: String?
    /// Of a node: its certificate, PEM, and names or addresses that it could not have.
    package var certificate: String?
    package var leftOut: [String]
    /// Of a thin client: its key.
    package var key: String?
    package var access: AccessSet?

    package init(
        cluster: ClusterIdentity, name: String, kind: AccessEntry.Kind, authority: String, authorityKey: String? = nil,
        certificate: String? = nil, leftOut: [String] = [], key: String? = nil, access: AccessSet? = nil
    ) {
        self.cluster = cluster
        self.name = name
        self.kind = kind
        self.authority = authority
        self.authorityKey = authorityKey
        self.certificate = certificate
        self.leftOut = leftOut
        self.key = key
        self.access = access
    }
}

/// What a node says at `POST /llmstack/v1/renew`. Its old certificate may have run out, so that no connection could be made
/// with it; the signature shows that it has the key.
package struct RenewRequest: Equatable, Sendable, Codable {
    /// The one that it has, PEM.
    package var certificate: String
    /// A certificate signing request, PEM.
    package var request: String
    /// Of the bytes of `request`, by the old certificate's key: ECDSA over SHA-256, DER, base64.
    package var signature: String
    package var dnsNames: [String]
    package var addresses: [String]

    package init(certificate: String, request: String, signature: String, dnsNames: [String], addresses: [String]) {
        self.certificate = certificate
        self.request = request
        self.signature = signature
        self.dnsNames = dnsNames
        self.addresses = addresses
    }
}

package struct RenewReply: Equatable, Sendable, Codable {
    package var certificate: String
    package var leftOut: [String]

    package init(certificate: String, leftOut: [String]) {
        self.certificate = certificate
        self.leftOut = leftOut
    }
}
