import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A program that is run for what it says, which goes through pipes and never to a file: it may be a secret.
/// No shell, no terminal, nothing to read, and an end to patience.
struct PipedCommand: Sendable {
    /// Path of the program.
    var executable: String
    /// Without the program's own name.
    var arguments: [String]
    var environment: [String: String]

    /// Of each of its two outputs.
    private static let limit = 1 << 20

    init(_ executable: String, _ arguments: [String], environment: [String: String]) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    /// - Returns: nil when it could not be started, did not end in time or wrote too much; then it was killed.
    func run(limit: Duration) async -> AWSSurroundings.Output? {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: wait(until: ContinuousClock.now + limit)) }
            thread.name = "command"
            thread.start()
        }
    }

    private func wait(until deadline: ContinuousClock.Instant) -> AWSSurroundings.Output? {
        guard let output = Pipe(), let errors = Pipe(),
            let pid = try? NewSession.spawn(
                executable, arguments, environment, output: output.entry, errors: errors.entry
            ).get()
        else { return nil }
        output.closeEntry()
        errors.closeEntry()
        let texts = Self.drain([output.exit, errors.exit], until: deadline)
        guard let texts else {
            // Its own session, so its own group: what it started goes too.
            kill(-pid, SIGKILL)
            ChildExit.wait(for: pid) { _ in }
            return nil
        }
        while true {
            if let exit = ChildExit.poll(pid) { return .init(exit: exit, output: texts[0], errors: texts[1]) }
            guard ContinuousClock.now < deadline else {
                kill(-pid, SIGKILL)
                ChildExit.wait(for: pid) { _ in }
                return nil
            }
            // It has closed its outputs: it is about to end.
            usleep(2000)
        }
    }

    /// - Returns: what came until both were closed; nil when that took too long, or it was too much.
    private static func drain(_ descriptors: [Int32], until deadline: ContinuousClock.Instant) -> [[UInt8]]? {
        var texts: [[UInt8]] = descriptors.map { _ in [] }
        var open = Set(descriptors.indices)
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while !open.isEmpty {
            let left = (deadline - ContinuousClock.now) / .milliseconds(1)
            guard left > 0 else { return nil }
            let order = open.sorted()
            var polled = order.map { pollfd(fd: descriptors[$0], events: Int16(POLLIN), revents: 0) }
            guard poll(&polled, nfds_t(polled.count), Int32(min(left + 1, 60_000))) >= 0 || errno == EINTR else {
                return nil
            }
            for (index, entry) in zip(order, polled) where entry.revents != 0 {
                let count = read(descriptors[index], &buffer, buffer.count)
                if count > 0 {
                    texts[index] += buffer[..<count]
                    guard texts[index].count <= limit else { return nil }
                } else if count == 0 || errno != EINTR {
                    open.remove(index)
                }
            }
        }
        return texts
    }
}

/// A pipe of the system's; both ends are closed at the latest when it goes, and never inherited.
private final class Pipe {
    let exit: Int32
    let entry: Int32
    private var isEntryOpen = true

    init?() {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (exit, entry) = (ends[0], ends[1])
    }

    func closeEntry() {
        if isEntryOpen { close(entry) }
        isEntryOpen = false
    }

    deinit {
        closeEntry()
        close(exit)
    }
}
