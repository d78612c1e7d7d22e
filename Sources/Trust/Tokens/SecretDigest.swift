import Crypto
import Foundation

/// SHA-256 of a secret: all that is kept of invitations and client keys. Written as 64 hexadecimal digits.
///
/// The secrets have 128 and more random bits, so nothing slower than one hash is needed to keep them from being guessed.
package struct SecretDigest: Sendable, Codable, CustomStringConvertible {
    private let bytes: [UInt8]

    package init(of secret: String) { bytes = Array(SHA256.hash(data: Data(secret.utf8))) }

    /// - Returns: nil unless the text has 64 digits, letters in lower case.
    package init?(hex: String) {
        guard hex.utf8.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in hex.utf8 {
            let value: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        self.bytes = bytes
    }

    package var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    package var description: String { hex }

    /// Whether it is that secret's, told in a time that says nothing of where they differ.
    package func matches(_ secret: String) -> Bool { SHA256.hash(data: Data(secret.utf8)) == bytes }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let digest = SecretDigest(hex: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no SHA-256 in hexadecimal digits")
        }
        self = digest
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

extension SecretDigest: Equatable {
    /// In a time that says nothing of where they differ: swift-crypto compares digests so, here those of the digests.
    package static func == (left: SecretDigest, right: SecretDigest) -> Bool {
        SHA256.hash(data: left.bytes) == SHA256.hash(data: right.bytes)
    }
}
