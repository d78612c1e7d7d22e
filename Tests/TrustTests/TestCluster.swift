import Cluster
import Crypto
import Foundation
import SwiftASN1
import Testing
import Trust
import X509

/// A cluster with its authority, and the certificates that tests want of it.
struct TestCluster {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let node = NodeID("aaaabbbbccccdddd")

    let id: ClusterID
    let authority: ClusterAuthority
    let verifier: PeerVerifier

    init(_ id: String = "abcdefgh12345678", domain: String? = nil, now: Date = now) throws {
        self.id = ClusterID(id)
        authority = try ClusterAuthority.create(
            ClusterIdentity(id: self.id, name: "studio", security: .open), domain: domain, now: now)
        verifier = try PeerVerifier(authorityPEM: authority.certificatePEM)
    }

    func identity(_ role: PeerIdentity.Role = .node, node: NodeID = node) -> PeerIdentity {
        PeerIdentity(cluster: id, node: node, role: role)
    }

    /// As an issuer signs one.
    func signed(
        _ role: PeerIdentity.Role = .node, name: String = "box", dnsNames: [String] = ["box.local"],
        addresses: [String] = ["10.0.0.7"], now: Date = now
    ) throws -> ClusterAuthority.SignedLeaf {
        let request = try LeafRequest(
            certificateRequest: LeafKey().certificateRequest(name: name), name: name, dnsNames: dnsNames,
            addresses: addresses)
        return try authority.sign(request, identity: identity(role), now: now)
    }

    func chain(_ role: PeerIdentity.Role = .node, now: Date = now) throws -> [[UInt8]] {
        [try der(signed(role, now: now).certificatePEM)]
    }

    /// Signed with the authority's key by somebody who keeps no rules.
    func handMade(
        _ names: [GeneralName], usage: KeyUsage = KeyUsage(digitalSignature: true),
        purposes: [ExtendedKeyUsage.Usage] = [.serverAuth, .clientAuth],
        constraints: BasicConstraints = .notCertificateAuthority, name: String = "box", now: Date = now
    ) throws -> Certificate {
        let issuer = try Certificate(pemEncoded: authority.certificatePEM)
        let issuerKey = try P256.Signing.PrivateKey(pemRepresentation: authority.keyPEM)
        let key = Certificate.PublicKey(P256.Signing.PrivateKey().publicKey)
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(4711), publicKey: key,
            notValidBefore: now - 60, notValidAfter: now + 86400, issuer: issuer.subject,
            subject: DistinguishedName { CommonName(name) }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(constraints)
                Critical(usage)
                try ExtendedKeyUsage(purposes)
                SubjectAlternativeNames(names)
                SubjectKeyIdentifier(hash: key)
                AuthorityKeyIdentifier(
                    keyIdentifier: try issuer.extensions.subjectKeyIdentifier?.keyIdentifier)
            },
            issuerPrivateKey: Certificate.PrivateKey(issuerKey))
    }

    var uri: GeneralName { .uniformResourceIdentifier(identity().uri) }
}

func der(_ pem: String) throws -> [UInt8] { try der(Certificate(pemEncoded: pem)) }

func der(_ certificate: Certificate) throws -> [UInt8] {
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    return serializer.serializedBytes
}

func address(_ bytes: UInt8...) -> GeneralName { .ipAddress(ASN1OctetString(contentBytes: bytes[...])) }

let day: TimeInterval = 86400
