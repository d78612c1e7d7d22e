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
    /// How far something is, or several things, a line each. On a terminal the lines are drawn over by what comes next.
    func progress(_ lines: [String])
    /// The terminal that a person looks at; nil where there is none, or one that nothing can be drawn on.
    var terminal: TerminalSize? { get }
}

extension Console {
    package func progress(_ lines: [String]) { for line in lines { say(line) } }
    package var terminal: TerminalSize? { nil }
}

/// The terminal, or whatever stands in its place.
package struct StandardConsole: Console {
    private let isTerminal = isatty(STDOUT_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"

    package init() {}

    package func say(_ line: String) { StandardStream.output.put(clearing + line + "\n") }

    package func warn(_ text: String) {
        StandardStream.output.put(clearing)
        StandardStream.errors.put(text + "\n")
    }

    package func waiting(for what: String, seconds: Double) {
        guard let terminal else { return }
        let marks = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
        let mark = marks[Int(seconds * 10) % marks.count]
        let line = "\(mark) waiting for \(what), \(Int(seconds)) s"
        StandardStream.output.put(clearing + TerminalText.fitted(line, to: terminal.columns - 1))
    }

    package func progress(_ lines: [String]) {
        guard let terminal else {
            for line in lines { say(line) }
            return
        }
        // A full line would take two rows on some terminals.
        let fitted = lines.prefix(terminal.rows).map { TerminalText.fitted($0, to: terminal.columns - 1) }
        StandardStream.output.put(TerminalText.block(Array(fitted)))
    }

    /// Asked for each time: a window is made larger and smaller.
    package var terminal: TerminalSize? {
        guard isTerminal else { return nil }
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return TerminalSize(columns: 80, rows: 24)
        }
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    private var clearing: String { isTerminal ? TerminalText.clearing : "" }
}
