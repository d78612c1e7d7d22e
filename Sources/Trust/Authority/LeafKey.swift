package import Crypto
import SwiftASN1
import X509

/// The private key of a node's certificate: ECDSA P-256. It never leaves its host; a request that it signs does.
package struct LeafKey: Sendable, CustomStringConvertible {
    let key: P256.Signing.PrivateKey

    package init() { key = P256.Signing.PrivateKey() }

    /// - Throws: ``IssueFailure/badRequest(_:)`` where the text is no such key.
    package init(pem: String) throws(IssueFailure) {
        do { key = try P256.Signing.PrivateKey(pemRepresentation: pem) } catch {
            throw .badRequest("node.key holds no P-256 key")
        }
    }

    /// PKCS #8, to be written where only its owner reads it.
    package var pem: String { key.pemRepresentation + "\n" }

    package var publicKey: P256.Signing.PublicKey { key.publicKey }

    /// - Parameter name: the node's name; the issuer decides what the certificate says.
    /// - Returns: a PKCS #10 request, signed by this key: the proof that its sender has it.
    package func certificateRequest(name: String) throws -> String {
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName(name) }, privateKey: Certificate.PrivateKey(key),
            attributes: CertificateSigningRequest.Attributes())
        return try request.serializeAsPEM().pemString + "\n"
    }

    /// - Parameter certificatePEM: what follows the first certificate in it is not looked at.
    /// - Returns: whether that certificate is this key's.
    package func fits(_ certificatePEM: String) -> Bool {
        let leaf = try? LeafCertificate(pem: certificatePEM)
        return leaf?.certificate.publicKey == Certificate.PublicKey(key.publicKey)
    }

    package var description: String { "LeafKey" }
}
