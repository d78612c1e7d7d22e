import Cluster
import Crypto
import SwiftASN1
import X509

/// What a node asks an issuer for: a certificate for its key, its name, and what it is called and where it is.
///
/// A value keeps within its limits, however it was made: it comes from a host that nobody knows yet.
package struct LeafRequest: Equatable, Sendable, Codable {
    /// PKCS #10, PEM. Only its key and its signature count.
    package let certificateRequest: String
    /// The node's name.
    package let name: String
    package let dnsNames: [String]
    /// As text, with or without a zone.
    package let addresses: [String]

    package enum Limits {
        /// Bytes. One for a P-256 key has about 500.
        package static let certificateRequest = 8192
        package static let dnsNames = 32
        package static let addresses = 64
        /// Bytes of one name (RFC 1035), and of one address: the longest with a zone.
        package static let nameLength = 254
        package static let addressLength = 64
    }

    /// - Throws: ``IssueFailure/badRequest(_:)``.
    package init(
        certificateRequest: String, name: String, dnsNames: [String], addresses: [String]
    ) throws(IssueFailure) {
        func demand(_ holds: Bool, _ problem: String) throws(IssueFailure) {
            if !holds { throw .badRequest(problem) }
        }
        try demand(certificateRequest.utf8.count <= Limits.certificateRequest, "its PEM is too long")
        try demand(ClusterIdentity.isName(name), "its name is none of a node")
        try demand(dnsNames.count <= Limits.dnsNames, "more than \(Limits.dnsNames) names")
        try demand(addresses.count <= Limits.addresses, "more than \(Limits.addresses) addresses")
        try demand(dnsNames.allSatisfy { $0.utf8.count <= Limits.nameLength }, "a DNS name is too long")
        try demand(addresses.allSatisfy { $0.utf8.count <= Limits.addressLength }, "an address is too long")
        self.certificateRequest = certificateRequest
        self.name = name
        self.dnsNames = dnsNames
        self.addresses = addresses
    }

    private enum CodingKeys: String, CodingKey {
        case certificateRequest = "csr"
        case name
        case dnsNames = "dns"
        case addresses
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            certificateRequest: container.decode(String.self, forKey: .certificateRequest),
            name: container.decode(String.self, forKey: .name),
            dnsNames: container.decode([String].self, forKey: .dnsNames),
            addresses: container.decode([String].self, forKey: .addresses))
    }

    /// The key to certify.
    ///
    /// - Throws: ``IssueFailure``, also where the sender has not shown that it has the private key.
    func provenKey() throws(IssueFailure) -> P256.Signing.PublicKey {
        let request: CertificateSigningRequest
        do { request = try CertificateSigningRequest(pemEncoded: certificateRequest) } catch {
            throw .badRequest("its PEM is no certificate request")
        }
        guard let key = P256.Signing.PublicKey(request.publicKey) else { throw .badRequest("its key is not P-256") }
        guard request.publicKey.isValidSignature(request.signature, for: request) else { throw .noProof }
        return key
    }
}
