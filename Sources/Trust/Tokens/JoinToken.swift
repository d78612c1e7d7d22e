import Foundation

/// What one carries from an issuer to a joiner: `llmstack-1-<pin>-<secret>`.
///
/// The joiner checks the authority's pin before it tells the secret, so that only the cluster hears it.
package struct JoinToken: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    package let pin: CertificatePin
    /// 128 random bits, in base32: what the joiner sends to the issuer.
    package let secret: String

    private static let prefix = "llmstack"
    private static let version = "1"
    private static let secretBytes = 16
    /// 26 characters of base32 say 128 bits.
    private static let secretLength = 26

    /// A new one.
    package init(pin: CertificatePin) {
        self.pin = pin
        secret = Base32.encode(randomBytes(Self.secretBytes))
    }

    /// What the issuer keeps: see ``InvitationBook``.
    package var secretHash: SecretDigest { SecretDigest(of: secret) }

    /// The token as people pass it on.
    package var text: String { "\(Self.prefix)-\(Self.version)-\(pin.text)-\(secret)" }

    /// Without the secret: it may come into a log.
    package var description: String { "\(Self.prefix)-\(Self.version)-…" }
    package var debugDescription: String { description }

    // MARK: Reading

    /// What is wrong with a text; it never repeats any of it.
    package enum Malformed: Error, Equatable, CustomStringConvertible {
        package enum Part: String, Sendable {
            case pin = "third part, which tells the cluster"
            case secret = "last part, the secret"
        }

        case empty
        case noToken
        case otherVersion
        /// How many parts it has, and not four.
        case parts(Int)
        /// Characters, and how many there must be.
        case length(Part, Int, expected: Int)
        /// Counted from 1.
        case character(Part, Int)
        /// Its last character stands for bits that there are not.
        case ending(Part)

        package var description: String {
            "this is no token: \(problem)\n  fix: \(fix)"
        }

        private var problem: String {
            switch self {
            case .empty: "it is empty"
            case .noToken: "it does not begin with llmstack-"
            case .otherVersion: "it is of another version of llmstack"
            case .parts(let count) where count < 4: "it ends early, with \(count) of 4 parts"
            case .parts(let count): "it has \(count) parts and not 4"
            case .length(let part, let length, let expected):
                "the \(part.rawValue), has \(length) characters and not \(expected)"
            case .character(let part, let position):
                "character \(position) of the \(part.rawValue), is none of a-z and 2-7"
            case .ending(let part): "the \(part.rawValue), has a wrong last character"
            }
        }

        private var fix: String {
            switch self {
            case .otherVersion: "use the same version of llmstack on both hosts"
            default: "copy the whole line that llmstack cluster invite printed"
            }
        }
    }

    /// - Parameter text: with or without white space around it.
    package init(parsing text: String) throws(Malformed) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else { throw .empty }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts[0] == Self.prefix else { throw .noToken }
        if parts.count > 1, parts[1] != Self.version { throw .otherVersion }
        guard parts.count == 4 else { throw .parts(parts.count) }
        let pin = try Self.bytes(parts[2], .pin, length: CertificatePin.textLength)
        _ = try Self.bytes(parts[3], .secret, length: Self.secretLength)
        guard let pin = CertificatePin(text: Base32.encode(pin)) else { throw .ending(.pin) }
        self.pin = pin
        secret = String(parts[3])
    }

    private static func bytes(_ text: Substring, _ part: Malformed.Part, length: Int) throws(Malformed) -> [UInt8] {
        if let position = Base32.firstForeign(text) { throw .character(part, position + 1) }
        guard text.utf8.count == length else { throw .length(part, text.utf8.count, expected: length) }
        guard let bytes = Base32.decode(text) else { throw .ending(part) }
        return bytes
    }
}
