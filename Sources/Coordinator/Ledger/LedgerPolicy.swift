/// What to do with the ledger's file, and after which fault: outcomes and the time in, steps and words out.
///
/// 1. While the file cannot be used the router serves on, and what it learns waits in memory, as far as there is room.
///    That is said once, not at each write; and when it is over, with what was lost.
/// 2. No space: the connection stays, and writing is tried again after a while.
/// 3. A file that is damaged is set aside, and a new one begun with what is in memory; where that happens again at once,
///    the disk is what is broken, and it waits.
/// 4. A file that a newer llmstack wrote is left alone, for as long as this router runs.
/// 5. Anything else (no permission, an error of the disk, a lock): the connection is closed, and opened again after a while.
/// 6. A file that was moved away or deleted under the router is begun anew at once.
/// 7. A row that SQLite will not have is given up: it must not hold up the others.
/// 8. Where rows come faster than they are written, that is said once an hour at most.
package struct LedgerPolicy: Sendable {
    /// In seconds and rows.
    package struct Limits: Equatable, Sendable {
        /// Between two transactions: what a crash may cost, and no more than four syncs a second.
        package var batchInterval = 0.25
        /// Of one transaction: some milliseconds.
        package var batchRows = 2000
        /// Until a file that could not be used is tried again.
        package var retryInterval = 10.0
        /// Rows that wait while it cannot be used; the newest.
        package var waitingRows = 10_000
        package var trimInterval = 3600.0
        /// Rows that one transaction deletes, and the time that the disk has for others after it.
        package var trimRows = 500
        package var trimPause = 0.05
        /// Of each table, by age and by number.
        package var keptAge = 90.0 * 86400
        package var keptRows = 1_000_000
        /// Damaged files that are kept.
        package var brokenFiles = 3

        package init() {}
    }

    /// What was wrong.
    package enum Fault: Error, Equatable, Sendable {
        case full
        case damaged(String)
        case newer
        case unavailable(String)
        case moved
        case unwritable(String)
    }

    package enum Step: Equatable, Sendable {
        case open, check, write, trim
        /// Nothing to do now.
        case rest
    }

    package enum Remedy: Equatable, Sendable {
        /// Keep the connection, and what was to be written.
        case wait
        /// Close the connection; keep what was to be written.
        case close
        /// Close it and set the file aside; keep what was to be written.
        case setAside(because: String)
        /// Close it, and keep nothing for writing any more.
        case giveUp
        /// Do not try to write this again.
        case discard
    }

    private enum State: Equatable {
        case closed(until: Double)
        case open(writeFrom: Double)
        case retired
    }

    package let limits: Limits
    private let path: String
    private var state = State.closed(until: -.infinity)
    private var isChecked = false
    private var trimFrom = -Double.infinity
    private var lastSetAside = -Double.infinity
    /// Whether somebody was told that the file cannot be used.
    private var isComplaintOpen = false
    private var hasDiscarded = false
    /// Rows that nobody was told of.
    private var droppedSince = 0
    private var lossSaidFrom = -Double.infinity

    /// - Parameter path: of the file, for what is said.
    package init(_ limits: Limits, path: String) {
        self.limits = limits
        self.path = path
    }

    /// Whether what is noted will ever be written.
    package var isKeeping: Bool { state != .retired }

    /// - Parameter now: seconds of a monotonic clock, as everywhere here.
    package func step(at now: Double, hasWork: Bool) -> Step {
        switch state {
        case .retired: return .rest
        case .closed(let until): return now >= until ? .open : .rest
        case .open(let writeFrom):
            if now < writeFrom { return .rest }
            if !isChecked { return .check }
            if hasWork { return .write }
            return now >= trimFrom ? .trim : .rest
        }
    }

    // MARK: What happened

    /// - Parameter isNew: an empty file need not be checked.
    package mutating func opened(isNew: Bool) {
        state = .open(writeFrom: -.infinity)
        isChecked = isNew
    }

    package mutating func checked() { isChecked = true }

    /// - Parameter dropped: rows that there was no room for since this was asked last.
    /// - Returns: what to say.
    package mutating func wrote(dropped: Int, at now: Double) -> String? {
        droppedSince += dropped
        // 8
        let isTooMuch = droppedSince > 0 && now >= lossSaidFrom
        guard isComplaintOpen || isTooMuch else { return nil }
        let loss =
            switch droppedSince {
            case 0: "nothing was lost"
            case 1: "one row of the time between is lost"
            default: "\(droppedSince) rows of the time between are lost"
            }
        let what = isComplaintOpen ? "is written again" : "cannot be written as fast as there is something to write"
        isComplaintOpen = false
        droppedSince = 0
        lossSaidFrom = now + limits.trimInterval
        return "the ledger \(path) \(what): \(loss)"
    }

    /// - Parameter isDone: whether nothing is left that is too old or too much.
    package mutating func trimmed(isDone: Bool, at now: Double) {
        if isDone { trimFrom = now + limits.trimInterval }
    }

    /// - Returns: what to do, and what to say.
    package mutating func failed(_ fault: Fault, at now: Double) -> (remedy: Remedy, says: String?) {
        switch fault {
        case .full:
            // 2
            if case .open = state { state = .open(writeFrom: now + limits.retryInterval) } else { close(at: now) }
            let remedy: Remedy = if case .open = state { .wait } else { .close }
            return (remedy, complain("there is no space left for it", "free some space on its disk"))
        case .damaged(let reason):
            // 3
            guard now - lastSetAside >= limits.retryInterval else {
                close(at: now)
                return (.close, complain("it was damaged again (\(reason))", "see whether its disk is sound"))
            }
            lastSetAside = now
            state = .closed(until: now)
            return (.setAside(because: reason), nil)
        case .newer:
            // 4
            state = .retired
            return (
                .giveUp,
                complain(
                    "a newer llmstack wrote it, so it is left alone",
                    "update llmstack on this host and restart, or move the file away", isTriedAgain: false)
            )
        case .unavailable(let reason):
            // 5
            close(at: now)
            return (
                .close,
                complain(reason, "see that \(path) and its directory are this user's, and that the disk is sound")
            )
        case .moved:
            // 6
            state = .closed(until: now)
            return (.close, "the ledger \(path) was moved or deleted while the router ran: a new one is begun")
        case .unwritable(let reason):
            // 7
            defer { hasDiscarded = true }
            return (.discard, hasDiscarded ? nil : "something could not be kept in the ledger \(path): \(reason)")
        }
    }

    /// A damaged file has another name now.
    ///
    /// - Returns: what to say.
    package func setAside(as name: String, because reason: String) -> String {
        "the ledger \(path) was damaged (\(reason)): it is kept as \(name), and a new one is begun with what is in memory\n"
            + "  next: nothing; delete \(name) if nobody wants to look into it"
    }

    private mutating func close(at now: Double) { state = .closed(until: now + limits.retryInterval) }

    private mutating func complain(_ problem: String, _ fix: String, isTriedAgain: Bool = true) -> String? {
        // 1
        if isComplaintOpen { return nil }
        isComplaintOpen = true
        let retry = isTriedAgain ? "; it is tried again every \(Int(limits.retryInterval.rounded(.up))) s" : ""
        return "the ledger \(path) cannot be used: \(problem). The router serves on and remembers in memory only"
            + "\n  fix: \(fix)\(retry)"
    }
}
