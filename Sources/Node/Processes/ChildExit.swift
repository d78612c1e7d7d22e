import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How a child process ended.
package enum ChildExit: Equatable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)
    /// Ended, but somebody else collected it.
    case unknown

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "signal \(signal)"
        case .unknown: "exit code unknown"
        }
    }

    private init(status: Int32) {
        // The layout of wait(2)'s status, the same on Linux and macOS: the macros for it do not reach Swift.
        let signal = status & 0x7f
        self = signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
    }

    /// Looks whether a child of this process has ended, and collects it then.
    ///
    /// - Returns: nil while it lives.
    package static func poll(_ pid: Int32) -> ChildExit? { collect(pid, options: WNOHANG) }

    /// Waits on a thread of its own until the child ends; its end is reported once.
    package static func wait(for pid: Int32, report: @escaping @Sendable (ChildExit) -> Void) {
        let thread = Thread { report(collect(pid, options: 0) ?? .unknown) }
        thread.name = "wait-\(pid)"
        thread.start()
    }

    private static func collect(_ pid: Int32, options: Int32) -> ChildExit? {
        var status: Int32 = 0
        while true {
            let result = waitpid(pid, &status, options)
            if result == pid { return ChildExit(status: status) }
            if result == 0 { return nil }
            if errno != EINTR { return .unknown }
        }
    }
}
