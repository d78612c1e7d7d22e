import Foundation

/// A program that is run for what it says and is waited for. No shell, no terminal, and an end to patience.
package struct ShortCommand: Sendable {
    package var executable: String
    package var arguments: [String]
    package var environment: [String: String]

    package struct Result: Equatable, Sendable {
        package var exit: ChildExit
        /// Both of its outputs, at most 64 KiB.
        package var output: String
    }

    package init(_ executable: String, _ arguments: [String], environment: [String: String]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    /// - Returns: nil when it could not be started or did not end in time; then it was killed.
    package func run(limit: Duration = .seconds(20)) async -> Result? {
        let log = FileManager.default.temporaryDirectory.appendingPathComponent("llmstack-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: log) }
        let daemon = Daemon(executable: executable, arguments: arguments, environment: environment, log: log)
        guard let pid = try? daemon.spawn() else { return nil }
        let deadline = ContinuousClock.now + limit
        while true {
            if let exit = ChildExit.poll(pid) {
                let file = FileHandle(forReadingAtPath: log)
                defer { try? file?.close() }
                let bytes = (try? file?.read(upToCount: 1 << 16)) ?? Data()
                return Result(exit: exit, output: String(decoding: bytes, as: UTF8.self))
            }
            guard ContinuousClock.now < deadline, !Task.isCancelled else {
                // Its own session, so its own group: what it started goes too.
                kill(-pid, SIGKILL)
                ChildExit.wait(for: pid) { _ in }
                return nil
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
