package import Cluster
package import Foundation
import SwiftASN1
@_spi(FixedExpiryValidationTime) import X509

/// Tells by a presented certificate who is at the other end, for members of one cluster.
///
/// Only the cluster's own authority counts, and only the URI says who it is: names and addresses never do.
package struct PeerVerifier: Sendable {
    private let authority: AuthorityCertificate

    /// Days after its end in which a known node may still renew a leaf, and do nothing else with it.
    package static let renewalGrace = 90

    /// More is none of ours: a leaf, and the authority where joiners must see it.
    private static let longestChain = 4
    /// Bytes; a leaf with all the names that it may have takes less.
    private static let longestCertificate = 16384

    package var cluster: ClusterID { authority.cluster }
    package var pin: CertificatePin { authority.pin }

    /// - Throws: ``IssueFailure/badAuthority(_:)``.
    package init(authorityPEM: String) throws(IssueFailure) {
        guard let certificate = try? Certificate(pemEncoded: authorityPEM) else {
            throw .badAuthority("ca.pem holds no certificate")
        }
        guard let authority = AuthorityCertificate(certificate) else {
            throw .badAuthority("ca.pem is no certificate of a cluster's authority")
        }
        self.authority = authority
    }

    private init(_ authority: AuthorityCertificate) { self.authority = authority }

    // MARK: Who it is

    /// - Parameters:
    ///   - chain: as presented, DER, the leaf first; what follows it is not needed.
    ///   - graceDays: how many days ago the leaf may have run out: 0, or ``renewalGrace`` where it asks to be renewed.
    /// - Throws: ``CertificateRefusal``.
    package func identity(
        of chain: [[UInt8]], now: Date, graceDays: Int = 0
    ) async throws(CertificateRefusal) -> PeerIdentity {
        guard let first = chain.first else { throw .none }
        guard chain.count <= Self.longestChain else { throw .malformed }
        let leaf = try LeafCertificate(Self.certificate(first))

        // 1. The cluster's authority signed it: what it says is then what an issuer said.
        let issuer = authority.certificate
        guard leaf.certificate.issuer == issuer.subject,
            issuer.publicKey.isValidSignature(leaf.certificate.signature, for: leaf.certificate)
        else { throw .foreignAuthority }
        // 2. Both are valid now; for a renewal the leaf may have been so until lately.
        if now > issuer.notValidAfter { throw .authorityExpired(issuer.notValidAfter) }
        if now < leaf.certificate.notValidBefore { throw .notYetValid(leaf.certificate.notValidBefore) }
        let grace = TimeInterval(max(graceDays, 0)) * 86400
        if now > leaf.certificate.notValidAfter + grace { throw .expired(leaf.certificate.notValidAfter) }
        // 3. It holds no name that the authority may not certify.
        try refuseForeignNames(leaf)
        // 4. It keeps all rules for certificates, and is a node's.
        try await refuseUnfit(leaf, at: min(now, leaf.certificate.notValidAfter))
        // 5. It says who it is, once, and is of this cluster.
        guard leaf.uris.count == 1, let identity = PeerIdentity(uri: leaf.uris[0]) else { throw .noIdentity }
        guard identity.cluster == cluster else { throw .otherCluster(identity.cluster) }
        return identity
    }

    private func refuseForeignNames(_ leaf: LeafCertificate) throws(CertificateRefusal) {
        for name in leaf.dnsNames {
            // The text of a foreign certificate goes to terminals and logs: no control characters.
            guard let known = PermittedNames.dnsName(name) else { throw .foreignName("a name that is none") }
            guard authority.permitted.permits(name: known) else { throw .foreignName(known) }
        }
        for address in leaf.addresses where !authority.permitted.permits(address: address) {
            throw .foreignName("address " + address.map(String.init).joined(separator: "."))
        }
    }

    /// - Parameter moment: when the leaf is looked at; within its validity where step 2 let it pass.
    private func refuseUnfit(_ leaf: LeafCertificate, at moment: Date) async throws(CertificateRefusal) {
        guard let usage = try? leaf.certificate.extensions.keyUsage, usage.digitalSignature, !usage.keyCertSign,
            let purposes = try? leaf.certificate.extensions.extendedKeyUsage,
            purposes.contains(.serverAuth), purposes.contains(.clientAuth)
        else { throw .unfit }
        var verifier = Verifier(rootCertificates: CertificateStore([authority.certificate])) {
            RFC5280Policy(fixedExpiryValidationTime: moment)
        }
        guard
            case .validCertificate = await verifier.validate(
                leaf: leaf.certificate, intermediates: CertificateStore())
        else { throw .unfit }
    }

    private static func certificate(_ der: [UInt8]) throws(CertificateRefusal) -> Certificate {
        guard der.count <= longestCertificate, let certificate = try? Certificate(derEncoded: der) else {
            throw .malformed
        }
        return certificate
    }

    // MARK: Joining

    /// What a joiner learns of a cluster that it knows by a token only.
    package struct Introduction: Equatable, Sendable {
        package let identity: PeerIdentity
        package let authorityPEM: String
    }

    /// For a host that is no member yet: the authority is taken from the presented chain. The token's pin tells that it
    /// is the right one, and then it judges the leaf.
    ///
    /// - Throws: ``CertificateRefusal``.
    package static func joining(
        chain: [[UInt8]], pin: CertificatePin, now: Date
    ) async throws(CertificateRefusal) -> Introduction {
        guard !chain.isEmpty else { throw .none }
        guard chain.count <= longestChain else { throw .malformed }
        for der in chain.dropFirst() {
            guard let authority = AuthorityCertificate(try certificate(der)), authority.pin == pin else { continue }
            let identity = try await PeerVerifier(authority).identity(of: chain, now: now)
            guard let pem = try? authority.certificate.serializeAsPEM().pemString else { throw .malformed }
            return Introduction(identity: identity, authorityPEM: pem + "\n")
        }
        throw .wrongPin
    }

    // MARK: The own leaf

    /// Which of these a leaf cannot have, as they are given.
    package func leftOut(dnsNames: [String], addresses: [String]) -> [String] {
        authority.permitted.sift(dnsNames: dnsNames, addresses: addresses).leftOut
    }

    /// - Parameter pem: the leaf's, alone or with the authority's after it.
    /// - Throws: ``CertificateRefusal/malformed``.
    package static func leafExpiry(_ pem: String) throws(CertificateRefusal) -> Date {
        try LeafCertificate(pem: pem).certificate.notValidAfter
    }

    /// Whether a node should ask for a new leaf: its own is 20 days old, or the names and addresses that it may have are
    /// no longer those that it has.
    ///
    /// - Parameters:
    ///   - dnsNames: what the host is called now; those that cannot be had do not count.
    ///   - addresses: where it is now, likewise.
    /// - Throws: ``CertificateRefusal/malformed``.
    package func needsRenewal(
        _ pem: String, dnsNames: [String], addresses: [String], now: Date
    ) throws(CertificateRefusal) -> Bool {
        let leaf = try LeafCertificate(pem: pem)
        let issued = leaf.certificate.notValidBefore + ClusterAuthority.Lifetime.backdating
        if now >= issued + ClusterAuthority.Lifetime.leafRenewal { return true }
        let wanted = authority.permitted.sift(dnsNames: dnsNames, addresses: addresses)
        return Set(wanted.dnsNames) != Set(leaf.dnsNames) || Set(wanted.addresses) != Set(leaf.addresses)
    }
}
