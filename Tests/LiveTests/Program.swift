import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A program that runs while a test does. Its output goes to a file, which a failing test can show.
struct Program: Sendable {
    let pid: pid_t
    let log: URL
    private let ended: Ended

    /// Set once, when the program has ended.
    private actor Ended {
        private(set) var status: Int32?
        func set(_ status: Int32) { self.status = status }
    }

    /// - Parameter environment: added to that of the tests.
    init(_ url: URL, _ arguments: [String], environment: [String: String] = [:], log: URL) throws {
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)
        let process = Process()
        process.executableURL = url
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        let ended = Ended()
        process.terminationHandler = { process in
            let status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
            Task { await ended.set(status) }
        }
        try process.run()
        pid = process.processIdentifier
        self.log = log
        self.ended = ended
    }

    /// The exit status, negative for a signal; nil while it runs.
    var status: Int32? { get async { await ended.status } }

    /// What it has written so far.
    var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Ends it (TERM, after 10 s KILL) and waits until it is gone.
    func end() async {
        guard await status == nil else { return }
        signal(SIGTERM)
        if await !eventually(within: .seconds(10), { await status != nil }) {
            signal(SIGKILL)
            _ = await eventually(within: .seconds(5)) { await status != nil }
        }
    }
}

/// Waits until a condition holds, and says whether it did before the time was up. A condition that throws does not hold.
func eventually(within limit: Duration = .seconds(20), _ condition: () async throws -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if (try? await condition()) == true { return true }
        // Between two looks at the condition; nothing depends on its length.
        try? await Task.sleep(for: .milliseconds(20))
    }
    return false
}
