import Cluster
import Dispatch
import Foundation
import GRDB
package import Logging
import Synchronization
import Wire

/// Keeps what a router learns in a file of SQLite: which nodes it met and where, how their health changed, how fast they
/// are, and where requests were placed. Never a prompt.
///
/// Whatever becomes of the file, ``note(_:)`` takes what comes and ``memory`` knows it; ``LedgerPolicy`` says what happens
/// to the rest.
package final class Ledger: Sendable {
    private struct Noted {
        var buffer: LedgerBuffer
        var memory: LedgerMemory
        /// Whether it will ever be written.
        var isKeeping = true
    }

    private struct Driver {
        var policy: LedgerPolicy
        var file: LedgerFile?
        /// What is to be said as soon as it runs; nil from then on.
        var unsaid: [String]? = []
    }

    private let path: String
    private let limits: LedgerPolicy.Limits
    private let log: Logger
    private let noted: Mutex<Noted>
    private let driver: Mutex<Driver>
    private let quota = PlacementQuota()
    private let auditQuota = PlacementQuota()
    private let origin = ContinuousClock.now
    /// That something was noted where nothing waited.
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    /// Opens the file at once, and sets aside one that is damaged. What is wrong is said when it ``run()``s.
    package convenience init(path: String, log: Logger) { self.init(path: path, limits: .init(), log: log) }

    package init(path: String, limits: LedgerPolicy.Limits, log: Logger) {
        self.path = path
        self.limits = limits
        self.log = log
        noted = Mutex(Noted(buffer: LedgerBuffer(limit: limits.waitingRows), memory: LedgerMemory()))
        driver = Mutex(Driver(policy: LedgerPolicy(limits, path: path)))
        (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        open()
        // Once more where that was damaged: the new one is to have it all from the start.
        if driver.withLock({ $0.policy.step(at: now, hasWork: false) }) == .open { open() }
    }

    /// Seconds of a monotonic clock.
    private var now: Double { (ContinuousClock.now - origin) / .seconds(1) }
    private var wallClock: Double { Date().timeIntervalSince1970 }

    // MARK: For everybody

    /// Keeps it: in ``memory`` at once, in the file soon. Never waits for the disk; from any thread.
    package func note(_ entry: LedgerEntry) {
        let isFirst = noted.withLock { noted in
            var entry = entry
            switch entry {
            case .node(let record): entry = .node(noted.memory.add(record))
            case .rates(let record): entry = .rates(noted.memory.add(record))
            case .health, .placement, .audit: break
            }
            guard noted.isKeeping else { return false }
            defer { noted.buffer.add(entry) }
            return noted.buffer.isEmpty
        }
        if isFirst { waker.yield() }
    }

    /// Keeps a placement, unless there are more than anybody will read (``PlacementQuota``).
    package func notePlacement(_ record: () -> PlacementRecord) {
        if quota.take(at: Uptime.seconds) { note(.placement(record())) }
    }

    /// Keeps what somebody did, within a quota of its own.
    package func noteAudit(_ record: () -> AuditRecord) {
        if auditQuota.take(at: Uptime.seconds) { note(.audit(record())) }
    }

    /// What is known now: what the file had, and what was noted since.
    package var memory: LedgerMemory { noted.withLock { $0.memory } }

    /// Writes what was noted, until it is cancelled; then the rest, as far as it can be written. To be called once.
    package func run() async {
        let unsaid = driver.withLock { driver in
            defer { driver.unsaid = nil }
            return driver.unsaid
        }
        for message in unsaid ?? [] { log.warning("\(message)") }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.tellWhatIsLeftOut() }
            group.addTask { [waker, limits] in
                // For what comes with time: another try, and what has become too old.
                while (try? await Task.sleep(for: .seconds(min(2, limits.retryInterval / 4)))) != nil { waker.yield() }
            }
            for await _ in wakes {
                while !Task.isCancelled, let pause = await turn() {
                    if pause > 0 { try? await Task.sleep(for: .seconds(pause)) }
                }
            }
            group.cancelAll()
        }
        await finish()
    }

    /// Once a minute at most.
    private func tellWhatIsLeftOut() async {
        while (try? await Task.sleep(for: .seconds(60))) != nil {
            let count = quota.forgetLeftOut() + auditQuota.forgetLeftOut()
            if count > 0 {
                log.notice(
                    """
                    placements and requests of the last minute that are not in the ledger: \(count); it takes \
                    \(PlacementQuota.limit) of each a second
                    """)
            }
        }
    }

    // MARK: Steps

    /// - Returns: seconds until the next turn; nil when there is nothing to do.
    private func turn() async -> Double? {
        let hasWork = noted.withLock { !$0.buffer.isEmpty }
        let (step, file) = driver.withLock { ($0.policy.step(at: now, hasWork: hasWork), $0.file) }
        switch (step, file) {
        case (.rest, _): return nil
        case (.open, _), (_, nil):
            await elsewhere { self.open() }
            return 0
        case (.check, let file?):
            await check(file)
            return 0
        case (.write, let file?):
            await write(file)
            // Where there is more than a batch, it is not the number of transactions that must be kept low.
            return noted.withLock { $0.buffer.waiting >= limits.batchRows } ? 0 : limits.batchInterval
        case (.trim, let file?):
            await trim(file)
            return limits.trimPause
        }
    }

    private func open() {
        do {
            let file = try LedgerFile(path)
            driver.withLock {
                $0.policy.opened(isNew: file.isNew)
                $0.file = file
            }
            noted.withLock { noted in
                // What was noted since is newer than what the file has, and the file may be a new one.
                let recent = noted.memory
                noted.memory = file.memory
                for record in recent.nodes.values {
                    noted.buffer.add(.node(noted.memory.add(record)))
                }
                for record in recent.rates.values {
                    noted.buffer.add(.rates(noted.memory.add(record)))
                }
            }
        } catch {
            failed(error)
        }
    }

    private func check(_ file: LedgerFile) async {
        // It may take seconds where there are millions of rows, which nobody who stops the router wants to wait for.
        let fault = await withTaskCancellationHandler {
            await perform(file, LedgerFile.check)
        } onCancel: {
            file.queue.interrupt()
        }
        if let fault, !Task.isCancelled { failed(fault) } else { driver.withLock { $0.policy.checked() } }
    }

    private func write(_ file: LedgerFile) async {
        if file.isMoved {
            failed(.moved)
            return
        }
        let batch = noted.withLock { $0.buffer.take(limits.batchRows) }
        let refusal = Mutex(LedgerPolicy.Fault?.none)
        let fault = await perform(file) { db in
            let refused = try LedgerSchema.write(batch, db)
            refusal.withLock { $0 = refused }
        }
        if let fault {
            if failed(fault) != .discard { noted.withLock { $0.buffer.putBack(batch) } }
        } else {
            if let refused = refusal.withLock({ $0 }) { failed(refused) }
            let dropped = noted.withLock { $0.buffer.forgetDropped() }
            say(driver.withLock { $0.policy.wrote(dropped: dropped, at: now) })
        }
    }

    private func trim(_ file: LedgerFile) async {
        let isDone = Mutex(true)
        let wallClock = wallClock
        let fault = await perform(file) { [limits] db in
            let done = try LedgerSchema.trim(limits, now: wallClock, db)
            isDone.withLock { $0 = done }
        }
        if let fault {
            failed(fault)
        } else {
            driver.withLock { $0.policy.trimmed(isDone: isDone.withLock { $0 }, at: now) }
        }
    }

    @discardableResult
    private func failed(_ fault: LedgerPolicy.Fault) -> LedgerPolicy.Remedy {
        let (remedy, message) = driver.withLock { driver in
            let verdict = driver.policy.failed(fault, at: now)
            switch verdict.remedy {
            case .wait, .discard: break
            case .close, .giveUp, .setAside:
                try? driver.file?.queue.close()
                driver.file = nil
            }
            return verdict
        }
        say(message)
        switch remedy {
        case .giveUp:
            noted.withLock {
                $0.isKeeping = false
                $0.buffer = LedgerBuffer(limit: limits.waitingRows)
            }
        case .setAside(let reason):
            do {
                let name = try LedgerFile.setAside(path, keeping: limits.brokenFiles, now: wallClock)
                // At once: it happens to a file only once.
                log.warning("\(driver.withLock { $0.policy.setAside(as: name, because: reason) })")
            } catch { failed(error) }
        case .wait, .close, .discard: break
        }
        return remedy
    }

    /// One try for each batch: who stops the router waits for it.
    private func finish() async {
        if let file = driver.withLock({ $0.file }) {
            while noted.withLock({ !$0.buffer.isEmpty }) {
                let batch = noted.withLock { $0.buffer.take(limits.batchRows) }
                guard let fault = await perform(file, { _ = try LedgerSchema.write(batch, $0) }) else { continue }
                noted.withLock { $0.buffer.putBack(batch) }
                failed(fault)
                break
            }
        }
        let lost = noted.withLock { noted in
            noted.isKeeping = false
            return noted.buffer.waiting + noted.buffer.forgetDropped()
        }
        if lost > 0 { log.warning("rows that could not be written to the ledger \(path) any more: \(lost)") }
        await elsewhere {
            let file = self.driver.withLock { driver in
                defer { driver.file = nil }
                return driver.file
            }
            try? file?.queue.close()
        }
    }

    // MARK: Plumbing

    /// Waits for the disk without holding up a thread that others need. Not to be cancelled: what has begun is finished.
    private func perform(
        _ file: LedgerFile, _ body: @escaping @Sendable (Database) throws -> Void
    ) async -> LedgerPolicy.Fault? {
        await withCheckedContinuation { continuation in
            file.queue.asyncWriteWithoutTransaction { db in
                do {
                    try body(db)
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: LedgerPolicy.Fault(error))
                }
            }
        }
    }

    private func elsewhere(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async {
                body()
                continuation.resume()
            }
        }
    }

    private func say(_ message: String?) {
        guard let message else { return }
        let isHeard = driver.withLock { driver in
            driver.unsaid?.append(message)
            return driver.unsaid == nil
        }
        if isHeard { log.warning("\(message)") }
    }

    /// For tests: bounds the file as a full disk would.
    package func limitPages(to count: Int) async {
        guard let file = driver.withLock({ $0.file }) else { return }
        _ = await perform(file) { try $0.execute(sql: "PRAGMA max_page_count = \(count)") }
    }

    // MARK: For the command line

    /// What each actor did. As ``history(path:limit:)``.
    package static func uses(path: String) throws(Unreadable) -> [ActorUse] { try read(path, LedgerSchema.uses) }

    /// Why there is no history to show.
    package enum Unreadable: Error, Equatable, Sendable {
        case missing
        case unusable(String)
    }

    /// The newest changes of the nodes' health, the oldest of them first. Changes nothing, and may be asked beside a router
    /// that runs.
    package static func history(path: String, limit: Int) throws(Unreadable) -> [HealthRecord] {
        try read(path) { try LedgerSchema.history(limit, $0) }
    }

    private static func read<Answer: Sendable>(
        _ path: String, _ question: @Sendable (Database) throws -> Answer
    ) throws(Unreadable) -> Answer {
        guard FileManager.default.fileExists(atPath: path) else { throw .missing }
        var configuration = LedgerFile.configuration
        configuration.readonly = true
        do {
            return try DatabaseQueue(path: path, configuration: configuration).read(question)
        } catch {
            throw .unusable((error as? DatabaseError)?.message ?? "\(error)")
        }
    }
}
