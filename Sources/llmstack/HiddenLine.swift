import Node
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// A line that is typed at the terminal of standard input, and not shown there.
///
/// Ctrl-C ends the program, as elsewhere; the C library's `getpass` takes it for part of the line.
enum HiddenLine {
    /// The terminal's flags as they were: kept for a signal's handler, which gets nothing but the signal's number.
    private static let flags = Atomic<UInt>(0)

    /// - Returns: nil where the input ended instead.
    static func ask(_ prompt: String) -> String? {
        var state = termios()
        guard tcgetattr(STDIN_FILENO, &state) == 0 else { return nil }
        flags.store(UInt(state.c_lflag), ordering: .relaxed)
        let ending = [SIGINT, SIGTERM, SIGQUIT]
        let handlers = ending.map { number in
            signal(number) { HiddenLine.leave($0) }
        }
        // Who stops the program would get a terminal that shows nothing.
        let stopping = signal(SIGTSTP, SIG_IGN)
        defer {
            restore()
            for (number, handler) in zip(ending, handlers) { signal(number, handler) }
            signal(SIGTSTP, stopping)
        }
        state.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &state)
        StandardStream.errors.put("\(prompt): ")
        let line = typed()
        StandardStream.errors.put("\n")
        return line
    }

    private static func typed() -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while byte != UInt8(ascii: "\n") {
            let count = read(STDIN_FILENO, &byte, 1)
            if count < 0, errno == EINTR { continue }
            if count <= 0 {
                if bytes.isEmpty { return nil }
                break
            }
            bytes.append(byte)
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func restore() {
        var state = termios()
        guard tcgetattr(STDIN_FILENO, &state) == 0 else { return }
        state.c_lflag = tcflag_t(flags.load(ordering: .relaxed))
        tcsetattr(STDIN_FILENO, TCSANOW, &state)
    }

    private static func leave(_ number: Int32) -> Never {
        restore()
        StandardStream.errors.put("\n")
        _exit(128 + number)
    }
}
