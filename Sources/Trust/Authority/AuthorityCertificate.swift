import Cluster
import Crypto
import SwiftASN1
import X509

/// A certificate that can be a cluster's authority: self-signed, for leaves only, for some names only, and of a cluster.
///
/// The cluster stands in it as `spiffe://<cluster id>`, as SPIFFE's X.509-SVID names a trust domain.
struct AuthorityCertificate: Sendable {
    let certificate: Certificate
    let cluster: ClusterID
    let permitted: PermittedNames
    let pin: CertificatePin
    let keyIdentifier: ArraySlice<UInt8>

    /// - Returns: nil where it cannot be one.
    init?(_ certificate: Certificate) {
        let extensions = certificate.extensions
        guard certificate.version == .v3, certificate.issuer == certificate.subject,
            P256.Signing.PublicKey(certificate.publicKey) != nil,
            // A pin tells of the key alone. That the rest is this authority's own, its signature tells.
            certificate.publicKey.isValidSignature(certificate.signature, for: certificate),
            case .isCertificateAuthority(maxPathLength: 0) = try? extensions.basicConstraints,
            let usage = try? extensions.keyUsage, usage.keyCertSign,
            extensions[oid: .X509ExtensionID.nameConstraints]?.critical == true,
            let constraints = try? extensions.nameConstraints, let permitted = PermittedNames(constraints),
            let identifier = try? extensions.subjectKeyIdentifier,
            let names = try? extensions.subjectAlternativeNames, let cluster = Self.cluster(names),
            let pin = try? CertificatePin(of: certificate.publicKey)
        else { return nil }
        self.certificate = certificate
        self.cluster = cluster
        self.permitted = permitted
        self.pin = pin
        keyIdentifier = identifier.keyIdentifier
    }

    private static let scheme = "spiffe://"

    static func uri(_ cluster: ClusterID) -> String { scheme + cluster.description }

    private static func cluster(_ names: SubjectAlternativeNames) -> ClusterID? {
        guard names.count == 1, case .uniformResourceIdentifier(let uri) = names.first, uri.hasPrefix(scheme)
        else { return nil }
        let id = uri.dropFirst(scheme.count)
        return Advertisement.isIdentifier(id) ? ClusterID(String(id)) : nil
    }
}
