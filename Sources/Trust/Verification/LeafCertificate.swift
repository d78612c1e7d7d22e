import Foundation
import SwiftASN1
import X509

/// A node's certificate as it was read. Nothing in it is believed: that is ``PeerVerifier``'s.
struct LeafCertificate: Sendable {
    let certificate: Certificate
    let dnsNames: [String]
    let addresses: [[UInt8]]
    let uris: [String]

    init(_ certificate: Certificate) throws(CertificateRefusal) {
        let names: SubjectAlternativeNames
        do { names = try certificate.extensions.subjectAlternativeNames ?? SubjectAlternativeNames() } catch {
            throw .malformed
        }
        var dnsNames: [String] = []
        var addresses: [[UInt8]] = []
        var uris: [String] = []
        for name in names {
            switch name {
            case .dnsName(let name): dnsNames.append(name)
            case .ipAddress(let address): addresses.append(Array(address.bytes))
            case .uniformResourceIdentifier(let uri): uris.append(uri)
            default: throw .unfit
            }
        }
        self.certificate = certificate
        self.dnsNames = dnsNames
        self.addresses = addresses
        self.uris = uris
    }

    /// - Parameter pem: the leaf's; what follows it in the text is not looked at.
    init(pem: String) throws(CertificateRefusal) {
        let certificate: Certificate
        do {
            guard let document = try PEMDocument.parseMultiple(pemString: pem).first else {
                throw CertificateRefusal.malformed
            }
            certificate = try Certificate(pemDocument: document)
        } catch { throw .malformed }
        try self.init(certificate)
    }
}
