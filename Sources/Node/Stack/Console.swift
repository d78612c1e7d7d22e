import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where a command tells what it is doing. Nothing is held back: the command may be replaced by a shell at any time.
package protocol Console: Sendable {
    /// One line of what happened, for standard output.
    func say(_ line: String)
    /// One or more lines of what is wrong although the command goes on, for standard error.
    func warn(_ text: String)
    /// Shown while something is awaited, again and again; `seconds` since the wait began.
    func waiting(for what: String, seconds: Double)
    /// How far something is. On a terminal it is drawn over by what comes next.
    func progress(_ line: String)
    /// Whether a person looks on.
    var isTerminal: Bool { get }
}

extension Console {
    package func progress(_ line: String) { say(line) }
    package var isTerminal: Bool { false }
}

/// The terminal, or whatever stands in its place.
package struct StandardConsole: Console {
    package let isTerminal = isatty(STDOUT_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"

    package init() {}

    package func say(_ line: String) { put(clearing + line + "\n", STDOUT_FILENO) }

    package func warn(_ text: String) {
        put(clearing, STDOUT_FILENO)
        put(text + "\n", STDERR_FILENO)
    }

    package func waiting(for what: String, seconds: Double) {
        guard isTerminal else { return }
        let marks = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
        let mark = marks[Int(seconds * 10) % marks.count]
        put("\(clearing)\(mark) waiting for \(what), \(Int(seconds)) s", STDOUT_FILENO)
    }

    package func progress(_ line: String) { put(isTerminal ? clearing + line : line + "\n", STDOUT_FILENO) }

    private var clearing: String { isTerminal ? "\r\u{1b}[K" : "" }

    private func put(_ text: String, _ descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
