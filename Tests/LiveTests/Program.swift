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

/// Ports of this host on which nothing listens.
enum FreePorts {
    struct NoneLeft: Error {}

    /// The first of `count` consecutive ones.
    static func consecutive(_ count: Int) throws -> Int {
        for _ in 0..<200 {
            let first = Int.random(in: 20_000..<60_000)
            if (first..<first + count).allSatisfy(isFree) { return first }
        }
        throw NoneLeft()
    }

    private static func isFree(_ port: Int) -> Bool {
        #if canImport(Darwin)
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
