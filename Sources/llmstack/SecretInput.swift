import Foundation
import Node

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Secrets that somebody types or pipes in: never shown, and never among a process's arguments unless its user puts them there.
enum SecretInput {
    /// Whether somebody types it here, and may mistype what is not shown.
    static func isTyped(_ argument: String?) -> Bool {
        (argument == nil || argument == "-") && isatty(STDIN_FILENO) == 1
    }

    /// The argument, else a line of standard input, else what is typed at a prompt.
    ///
    /// - Throws: ``StackFailure`` where there is none.
    static func read(_ argument: String?, prompt: String, missing: String, fix: String) throws -> String {
        if let argument, argument != "-" { return argument }
        let text = isTyped(argument) ? HiddenLine.ask(prompt) : readLine(strippingNewline: true)
        guard let text, !text.isEmpty else { throw StackFailure(missing, advice: "fix: \(fix)") }
        return text
    }
}
