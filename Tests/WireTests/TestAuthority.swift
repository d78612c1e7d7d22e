import Cluster
import Crypto
import Foundation
import SwiftASN1
import Wire
import X509

/// A certificate authority of a test's own, and how its nodes know each other.
struct TestAuthority: Sendable {
    /// What ``verify(_:)`` refuses with.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    let cluster: ClusterID
    private let key = P256.Signing.PrivateKey()
    private let name: DistinguishedName
    private let certificate: Certificate

    init(_ cluster: String = "cluster-1") throws {
        self.cluster = ClusterID(cluster)
        name = try DistinguishedName { CommonName("authority of \(cluster)") }
        certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: .now - 3600,
            notValidAfter: .now + 3600, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0)) },
            issuerPrivateKey: .init(key))
    }

    /// A certificate in PEM, with the authority's behind it.
    func issue(_ node: String) throws -> (chain: String, key: String) {
        let own = P256.Signing.PrivateKey()
        let uri = PeerIdentity(cluster: cluster, node: NodeID(node), role: .node).uri
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(own.publicKey), notValidBefore: .now - 3600,
            notValidAfter: .now + 3600, issuer: name, subject: try DistinguishedName { CommonName(node) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                SubjectAlternativeNames([.uniformResourceIdentifier(uri), .dnsName("localhost")])
            },
            issuerPrivateKey: .init(key))
        return (
            try leaf.serializeAsPEM().pemString + "\n" + certificate.serializeAsPEM().pemString, own.pemRepresentation
        )
    }

    /// - Parameter node: nil for a client without certificate.
    func identity(_ node: String?) throws -> TLSIdentity {
        guard let node else { return try TLSIdentity(chainPEM: nil, keyPEM: nil, verify: verify) }
        let issued = try issue(node)
        return try TLSIdentity(chainPEM: issued.chain, keyPEM: issued.key, verify: verify)
    }

    @Sendable func verify(_ chain: [[UInt8]]) async throws -> PeerIdentity {
        guard let bytes = chain.first else { throw Refusal(description: "it has no certificate") }
        let leaf = try Certificate(derEncoded: bytes)
        guard certificate.publicKey.isValidSignature(leaf.signature, for: leaf) else {
            throw Refusal(description: "its certificate is of another cluster")
        }
        for case .uniformResourceIdentifier(let uri) in try leaf.extensions.subjectAlternativeNames ?? .init() {
            if let identity = PeerIdentity(uri: uri) { return identity }
        }
        throw Refusal(description: "its certificate names no node")
    }

    /// The authority's certificate, for a client that trusts it as others do.
    func pem() throws -> String { try certificate.serializeAsPEM().pemString }
}
