package import Cluster
import Crypto
package import Foundation
import SwiftASN1
import X509

/// A cluster's certificate authority with its key: what an issuer has, and what makes a host a member.
///
/// ECDSA P-256, 10 years, for leaves only (path length 0) and for names of the cluster's own network only
/// (`PermittedNames`), so that who trusts it can be fooled about nothing else.
package struct ClusterAuthority: Sendable, CustomStringConvertible {
    package let certificatePEM: String
    /// PKCS #8, to be written where only its owner reads it.
    package let keyPEM: String
    private let authority: AuthorityCertificate
    private let key: P256.Signing.PrivateKey

    /// Seconds.
    package enum Lifetime {
        /// Ten years with their leap days.
        static let authority: TimeInterval = 3653 * 86400
        package static let leaf: TimeInterval = 30 * 86400
        /// How old a leaf is when it is renewed: ten days remain for an issuer to come within reach.
        package static let leafRenewal: TimeInterval = 20 * 86400
        /// How far certificates begin in the past, for hosts whose clocks are behind.
        package static let backdating: TimeInterval = 10 * 60
    }

    /// A certificate, and what it could not have.
    package struct SignedLeaf: Equatable, Sendable {
        package let certificatePEM: String
        /// Names and addresses outside the authority's constraints, as they were asked for.
        package let leftOut: [String]
    }

    package var cluster: ClusterID { authority.cluster }
    package var pin: CertificatePin { authority.pin }
    package var description: String { "ClusterAuthority(\(cluster))" }

    // MARK: Making and reading

    /// Makes a new authority.
    ///
    /// - Parameter domain: a domain whose names leaves may have, beside `local` and `localhost`.
    /// - Throws: ``IssueFailure``, or what swift-certificates says.
    package static func create(_ cluster: ClusterIdentity, domain: String?, now: Date) throws -> ClusterAuthority {
        let permitted = try PermittedNames(domain: domain)
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        // The id makes it unique: two clusters may be called the same.
        let subject = try DistinguishedName {
            OrganizationName("llmstack")
            OrganizationalUnitName(cluster.id.description)
            CommonName(cluster.name)
        }
        let moment = now.wholeSeconds
        let certificate = try Certificate(
            version: .v3, serialNumber: .random(), publicKey: publicKey,
            notValidBefore: moment - Lifetime.backdating, notValidAfter: moment + Lifetime.authority,
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                Critical(permitted.constraints)
                SubjectKeyIdentifier(hash: publicKey)
                SubjectAlternativeNames([.uniformResourceIdentifier(AuthorityCertificate.uri(cluster.id))])
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        return try ClusterAuthority(
            certificatePEM: certificate.serializeAsPEM().pemString + "\n", keyPEM: key.pemRepresentation + "\n")
    }

    /// - Throws: ``IssueFailure``.
    package init(certificatePEM: String, keyPEM: String) throws(IssueFailure) {
        guard let certificate = try? Certificate(pemEncoded: certificatePEM) else {
            throw .badAuthority("ca.pem holds no certificate")
        }
        guard let authority = AuthorityCertificate(certificate) else {
            throw .badAuthority("ca.pem is no certificate of a cluster's authority")
        }
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: keyPEM) else {
            throw .badAuthority("ca.key holds no P-256 key")
        }
        guard CertificatePin(of: key.publicKey) == authority.pin else { throw .keyMismatch }
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
        self.authority = authority
        self.key = key
    }

    // MARK: Signing

    /// Certifies the request's key for `identity`, for 30 days.
    ///
    /// Who may ask is not decided here. Nothing of the PKCS #10 request but the key finds its way into the certificate.
    /// - Throws: ``IssueFailure``, or what swift-certificates says.
    package func sign(_ request: LeafRequest, identity: PeerIdentity, now: Date) throws -> SignedLeaf {
        guard identity.cluster == cluster else { throw IssueFailure.otherCluster(identity.cluster) }
        let requested = try request.provenKey()
        guard CertificatePin(of: requested) != pin else {
            throw IssueFailure.badRequest("its key is the authority's own")
        }
        let moment = now.wholeSeconds
        let begin = max(moment - Lifetime.backdating, authority.certificate.notValidBefore)
        let end = min(moment + Lifetime.leaf, authority.certificate.notValidAfter)
        guard begin <= moment, moment < end else { throw IssueFailure.notInForce }

        let sifted = authority.permitted.sift(dnsNames: request.dnsNames, addresses: request.addresses)
        let publicKey = Certificate.PublicKey(requested)
        let certificate = try Certificate(
            version: .v3, serialNumber: .random(), publicKey: publicKey, notValidBefore: begin, notValidAfter: end,
            issuer: authority.certificate.subject,
            subject: DistinguishedName { CommonName(commonName(request, identity, sifted)) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames(
                    sifted.dnsNames.map { .dnsName($0) }
                        + sifted.addresses.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) }
                        + [.uniformResourceIdentifier(identity.uri)])
                SubjectKeyIdentifier(hash: publicKey)
                AuthorityKeyIdentifier(keyIdentifier: authority.keyIdentifier)
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
        return SignedLeaf(
            certificatePEM: try certificate.serializeAsPEM().pemString + "\n", leftOut: sifted.leftOut)
    }

    /// The node's name. OpenSSL reads a common name with a dot as a DNS name where there is no other, and the
    /// constraints would void the leaf: such a node is called by its id.
    private func commonName(_ request: LeafRequest, _ identity: PeerIdentity, _ sifted: PermittedNames.Sifted) -> String
    {
        let isRead = sifted.dnsNames.isEmpty && request.name.contains(".")
        return isRead && !authority.permitted.permits(name: request.name.lowercased())
            ? identity.node.description : request.name
    }
}

extension Date {
    /// Certificates know no fractions.
    var wholeSeconds: Date { Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down)) }
}

extension Certificate.SerialNumber {
    /// 127 random bits: positive, and within the 20 bytes of RFC 5280, 4.1.2.2.
    static func random() -> Certificate.SerialNumber {
        var generator = SystemRandomNumberGenerator()
        let number = UInt128.random(in: 1...(UInt128.max >> 1), using: &generator)
        return Certificate.SerialNumber(number)
    }
}
