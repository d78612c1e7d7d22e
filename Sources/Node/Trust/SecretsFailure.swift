/// Why a cluster's secrets were not read or written. No secret stands in it.
package struct SecretsFailure: Error, Equatable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        /// Others could read or change it.
        case loose
        /// A symbolic link, a directory, a device.
        case wrongKind
        case foreignOwner
        case damaged
        case unwritable
        case locked
        /// A restore would replace what is another's.
        case occupied
    }

    package let reason: Reason
    /// Two lines: what is wrong, and what to do.
    package let description: String

    init(_ reason: Reason, _ path: String, _ problem: String, fix: String) {
        self.reason = reason
        description = "\(path): \(problem)\n  fix: \(fix)"
    }

    static func loose(_ path: String, _ problem: String, chmod mode: String) -> SecretsFailure {
        SecretsFailure(.loose, path, problem, fix: "chmod \(mode) \(quoted(path))")
    }

    static func foreignOwner(_ path: String) -> SecretsFailure {
        SecretsFailure(
            .foreignOwner, path, "it belongs to another user", fix: "sudo chown \"$(id -un)\" \(quoted(path))")
    }

    /// As a shell takes it for one word.
    static func quoted(_ path: String) -> String {
        let isPlain = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "/._-+:@".utf8.contains(byte)
            }
        }
        return isPlain ? path : "'\(path.replacing("'", with: "'\\''"))'"
    }
}
