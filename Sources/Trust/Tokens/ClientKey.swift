import Foundation

/// What a thin client shows at each request: `lms_<id>_<secret>`, 8 characters of base32 and 256 random bits in base64url.
///
/// The id names it in lists and logs; the cluster keeps only the digest of the whole text.
package struct ClientKey: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The whole key.
    package let text: String

    private static let prefix = "lms_"
    private static let idLength = 8
    private static let secretBytes = 32
    /// 43 characters of base64url say 256 bits.
    private static let secretLength = 43

    /// A new one.
    package init() {
        // 40 bits are 8 characters.
        text = Self.prefix + Base32.encode(randomBytes(5)) + "_" + Self.base64url(randomBytes(Self.secretBytes))
    }

    /// - Returns: nil where the text is no key; white space around it is not part of it.
    package init?(_ text: String) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.utf8.count == Self.prefix.utf8.count + Self.idLength + 1 + Self.secretLength,
            text.hasPrefix(Self.prefix)
        else { return nil }
        let rest = text.dropFirst(Self.prefix.count)
        let id = rest.prefix(Self.idLength)
        let secret = rest.dropFirst(Self.idLength + 1)
        guard Base32.firstForeign(id) == nil, rest.dropFirst(Self.idLength).first == "_",
            let bytes = Data(base64Encoded: Self.base64(secret) + "="), Self.base64url(bytes) == secret
        else { return nil }
        self.text = text
    }

    package var id: String { String(text.dropFirst(Self.prefix.count).prefix(Self.idLength)) }

    /// What is kept of it.
    package var digest: SecretDigest { SecretDigest(of: text) }

    /// Without the secret: it may come into a log.
    package var description: String { "\(Self.prefix)\(id)_…" }
    package var debugDescription: String { description }

    // MARK: base64url: RFC 4648, 5, without padding

    private static func base64url(_ bytes: some DataProtocol) -> String {
        let text = Data(bytes).base64EncodedString()
        return String(
            text.filter { $0 != "=" }.map { character -> Character in
                switch character {
                case "+": "-"
                case "/": "_"
                default: character
                }
            })
    }

    private static func base64(_ text: Substring) -> String {
        String(
            text.map { character -> Character in
                switch character {
                case "-": "+"
                case "_": "/"
                default: character
                }
            })
    }
}
