/// What is known of whether tiers can be asked, so that requests need not wait for it to be looked into.
///
/// 1. What was never looked into, is, and the request waits.
/// 2. What could not be asked, and the files of credentials have changed since: looked into, and the request waits: somebody
///    has just mended it.
/// 3. What is old is looked into while requests go by the old verdict.
struct VerdictBook<Subject: Hashable & Sendable, Verdict: Sendable>: Sendable {
    /// Seconds after which a verdict is old: what mends it may leave no trace in a file.
    static var lifetime: Double { 30 }

    typealias Waiter = @Sendable (Verdict) -> Void

    enum Answer: Sendable {
        case known(Verdict, looksAgain: Bool)
        /// The waiter is told; `begins`: nobody looks yet.
        case wait(begins: Bool)
    }

    private struct Entry: Sendable {
        var verdict: Verdict?
        var isGood = false
        /// When the last look began, and what the files were like then.
        var time = 0.0
        var stamp: Int = 0
        var isBeingLookedInto = false
        var waiters: [Waiter] = []
    }

    private var entries: [Subject: Entry] = [:]

    /// - Parameters:
    ///   - stamp: tells whether the files have changed.
    ///   - now: seconds.
    mutating func ask(_ subject: Subject, stamp: Int, at now: Double, _ waiter: @escaping Waiter) -> Answer {
        var entry = entries[subject] ?? Entry()
        defer { entries[subject] = entry }
        let begins = !entry.isBeingLookedInto
        func look() {
            guard begins else { return }
            entry.isBeingLookedInto = true
            entry.time = now
            entry.stamp = stamp
        }
        // 1, 2
        guard let verdict = entry.verdict, entry.isGood || entry.stamp == stamp else {
            entry.waiters.append(waiter)
            look()
            return .wait(begins: begins)
        }
        // 3
        guard now - entry.time >= Self.lifetime || entry.stamp != stamp else {
            return .known(verdict, looksAgain: false)
        }
        look()
        return .known(verdict, looksAgain: begins)
    }

    /// - Parameter isGood: whether it can be asked.
    /// - Returns: those that wait.
    mutating func found(_ verdict: Verdict, isGood: Bool, for subject: Subject) -> [Waiter] {
        var entry = entries[subject] ?? Entry()
        entry.verdict = verdict
        entry.isGood = isGood
        entry.isBeingLookedInto = false
        let waiters = entry.waiters
        entry.waiters = []
        entries[subject] = entry
        return waiters
    }
}
