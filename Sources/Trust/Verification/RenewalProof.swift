package import Cluster
import Crypto
package import Foundation
import SwiftASN1
import X509

/// A node whose certificate may have run out cannot make a connection with it. It shows instead that it has the key: it signs
/// its request for the next one.
package enum RenewalProof {
    /// - Returns: ECDSA over SHA-256, DER, in base64.
    package static func signature(of request: String, by key: LeafKey) throws -> String {
        try key.key.signature(for: Data(request.utf8)).derRepresentation.base64EncodedString()
    }

    /// Who asks to be certified anew.
    ///
    /// - Parameter certificatePEM: the node's certificate until now; it may have run out ``PeerVerifier/renewalGrace`` days ago.
    /// - Throws: ``CertificateRefusal``.
    package static func identity(
        _ certificatePEM: String, request: String, signature: String, _ verifier: PeerVerifier, now: Date
    ) async throws(CertificateRefusal) -> PeerIdentity {
        let leaf = try LeafCertificate(pem: certificatePEM)
        guard let key = P256.Signing.PublicKey(leaf.certificate.publicKey), let der = Data(base64Encoded: signature),
            let proof = try? P256.Signing.ECDSASignature(derRepresentation: der),
            key.isValidSignature(proof, for: Data(request.utf8))
        else { throw .noProof }
        let bytes: [UInt8]
        do { bytes = try leaf.certificate.serializeAsPEM().derBytes } catch { throw .malformed }
        return try await verifier.identity(of: [bytes], now: now, graceDays: PeerVerifier.renewalGrace)
    }
}
