import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A program that runs on by itself: in a session of its own, without a terminal, its output appended to a log.
package struct Daemon: Sendable {
    /// Path of the program; no search, no shell.
    package var executable: String
    /// Without the program's own name.
    package var arguments: [String]
    package var environment: [String: String]
    /// Made with its directory when missing, else appended to.
    package var log: String

    package init(
        executable: String, arguments: [String], environment: [String: String], log: String
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.log = log
    }

    /// A program that could not be started, and the system's reason.
    package struct SpawnFailure: Error, Equatable {
        package let executable: String
        package let reason: String
    }

    /// Starts it. The process is the caller's child until the caller ends; it does not end with the caller.
    ///
    /// - Returns: its pid, which is also its session and process group.
    package func spawn() throws(SpawnFailure) -> Int32 {
        try? FileManager.default.createDirectory(
            atPath: (log as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard output >= 0 else {
            throw SpawnFailure(
                executable: executable, reason: "cannot write \(log): \(String(cString: strerror(errno)))")
        }
        defer { close(output) }

        switch NewSession.spawn(executable, arguments, environment, output: output, errors: output) {
        case .success(let pid): return pid
        case .failure(let error):
            throw SpawnFailure(executable: executable, reason: String(cString: strerror(error.code)))
        }
    }
}
