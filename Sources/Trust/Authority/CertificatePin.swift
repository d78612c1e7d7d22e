package import Crypto
import SwiftASN1
import X509

/// SHA-256 of an authority's SubjectPublicKeyInfo (DER): tells it from any other before there is trust, as RFC 7469
/// pins keys.
package struct CertificatePin: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    package let bytes: [UInt8]

    /// 52 characters of base32 say 256 bits.
    package static let textLength = 52

    package init(of key: P256.Signing.PublicKey) { bytes = Array(SHA256.hash(data: key.derRepresentation)) }

    /// - Throws: where the key cannot be written, which no key does that was read.
    init(of key: Certificate.PublicKey) throws {
        var serializer = DER.Serializer()
        try serializer.serialize(key)
        bytes = Array(SHA256.hash(data: serializer.serializedBytes))
    }

    /// - Returns: nil unless the text is that of 32 bytes.
    package init?(text: some StringProtocol) {
        guard let bytes = Base32.decode(text), bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// In base32: lower case, no padding.
    package var text: String { Base32.encode(bytes) }

    package var description: String { text }
}
