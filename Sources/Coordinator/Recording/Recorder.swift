import Cluster
package import Logging
import Synchronization

/// Takes down what a router's deciding machines are fed and what they decide, so that an incident can be replayed: never a
/// prompt, a key, or a client's address.
///
/// 1. Whoever tells it appends a value, and no more: encoding and the disk are one task's (``run()``).
/// 2. What has no room is counted. Then, and in each new file, the machines are asked for all that they know, membership
///    first: from there a replay can go on.
/// 3. What cannot be written ends the recording, and nothing else.
package final class Recorder: Sendable {
    package static let variable = "LLMSTACK_RECORD"
    /// Events that wait at most; written four times a second.
    private static let room = 16_384
    private static let interval = Duration.milliseconds(250)

    /// The machine that is asked next for all that it knows.
    private enum Wanted {
        case membership, fleet
    }

    private struct Waiting {
        var events: [RecordedEvent] = []
        var missing = 0
        var wanted: Wanted?
        var isOn = true

        mutating func add(_ what: RecordedEvent.What, at now: Double) {
            guard isOn else { return }
            // Once something is missing all is until the next write: a gap has one end.
            if missing == 0, events.count < Recorder.room {
                events.append(RecordedEvent(what, at: now))
            } else {
                missing += 1
            }
        }
    }

    package let path: String
    private let limit: Int
    private let log: Logger
    private let waiting = Mutex(Waiting())

    /// - Parameters:
    ///   - path: of the file; nothing is opened before ``run()``.
    ///   - limit: bytes of a file, after which it becomes `path.1`.
    package init(path: String, limit: Int = 64 << 20, log: Logger) {
        self.path = path
        self.limit = limit
        self.log = log
    }

    /// What the environment asks for.
    ///
    /// - Parameter directory: where a name without a folder belongs: the ledger's.
    package convenience init?(_ environment: [String: String], beside directory: String, log: Logger) {
        guard let name = environment[Self.variable], !name.isEmpty else { return nil }
        self.init(path: name.hasPrefix("/") ? name : "\(directory)/\(name)", log: log)
    }

    // MARK: For the machines, each under its own lock

    func began(_ membership: Membership, at now: Double) {
        waiting.withLock { $0.add(.membership(membership, time: WallClock.now), at: now) }
    }

    func began(_ fleet: Fleet, at now: Double) {
        waiting.withLock { $0.add(.fleet(fleet, time: WallClock.now), at: now) }
    }

    /// - Parameter membership: as it is afterwards.
    func took(_ input: MembershipInput, _ actions: [Membership.Action], _ membership: Membership, at now: Double) {
        waiting.withLock { waiting in
            waiting.add(.input(input, then: actions), at: now)
            guard waiting.wanted == .membership else { return }
            waiting.add(.membership(membership, time: WallClock.now), at: now)
            waiting.wanted = .fleet
        }
    }

    /// - Parameter fleet: as it is afterwards.
    func took(_ what: RecordedEvent.What, _ fleet: Fleet, at now: Double) {
        waiting.withLock { waiting in
            waiting.add(what, at: now)
            guard waiting.wanted == .fleet else { return }
            waiting.add(.fleet(fleet, time: WallClock.now), at: now)
            waiting.wanted = nil
        }
    }

    // MARK: Writing

    /// Writes until it is cancelled, then the rest. To be called once.
    package func run() async {
        let file: RecordFile
        do {
            file = try RecordFile(path, limit: limit)
        } catch {
            return giveUp(error)
        }
        log.notice("recording what this router decides, and from what, to \(path)")
        var goesOn = true
        while goesOn {
            goesOn = (try? await Task.sleep(for: Self.interval)) != nil
            do {
                try write(file)
            } catch {
                return giveUp(error)
            }
        }
    }

    private func write(_ file: RecordFile) throws(RecordFile.Fault) {
        let (events, missing) = waiting.withLock { waiting in
            defer { (waiting.events, waiting.missing) = ([], 0) }
            if waiting.missing > 0 { waiting.wanted = .membership }
            return (waiting.events, waiting.missing)
        }
        try file.append(events)
        if missing > 0 { try file.append([RecordedEvent(.missing(missing), at: 0)]) }
        // 2
        if try file.turnOver() { waiting.withLock { $0.wanted = .membership } }
    }

    private func giveUp(_ fault: RecordFile.Fault) {
        waiting.withLock { $0 = Waiting(isOn: false) }
        log.error(
            "nothing is recorded any more: \(path): \(fault)\n  fix: see that there is room, and that this user may write there; then llmstack restart"
        )
    }
}
