import Foundation
import Node

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Secrets that somebody types or pipes in: never shown, and never among a process's arguments unless its user puts them there.
enum SecretInput {
    /// The argument, else a line of standard input, else what is typed at a prompt.
    ///
    /// - Throws: ``StackFailure`` where there is none.
    static func read(_ argument: String?, prompt: String, missing: String, fix: String) throws -> String {
        if let argument, argument != "-" { return argument }
        let text: String?
        if isatty(STDIN_FILENO) == 1 {
            text = getpass("\(prompt): ").map { String(cString: $0) }
        } else {
            text = readLine(strippingNewline: true)
        }
        guard let text, !text.isEmpty else { throw StackFailure(missing, advice: "fix: \(fix)") }
        return text
    }
}
