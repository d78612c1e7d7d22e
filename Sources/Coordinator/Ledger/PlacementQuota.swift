import Synchronization

/// How many placements the ledger takes. People and their agents ask for a few a second at most; a program that goes mad, or
/// a flood of refusals, would drive months of history out of a million rows within minutes.
package final class PlacementQuota: Sendable {
    /// Rows in one second of the clock.
    package static let limit: UInt64 = 100
    private static let countBits: UInt64 = 24

    /// A second's number, and above it how many it has had.
    private let state = Atomic<UInt64>(0)
    private let leftOut = Atomic<Int>(0)

    package init() {}

    /// - Parameter now: seconds of a monotonic clock; below 2^40.
    /// - Returns: whether one more is wanted.
    package func take(at now: Double) -> Bool {
        let second = UInt64(max(0, now))
        var old = state.load(ordering: .relaxed)
        while true {
            let isSame = old >> Self.countBits == second
            let count = isSame ? old & (1 << Self.countBits - 1) : 0
            guard count < Self.limit else {
                leftOut.add(1, ordering: .relaxed)
                return false
            }
            let (done, seen) = state.compareExchange(
                expected: old, desired: second << Self.countBits | (count + 1), ordering: .relaxed)
            if done { return true }
            old = seen
        }
    }

    /// - Returns: how many were not wanted since it was asked last.
    package func forgetLeftOut() -> Int { leftOut.exchange(0, ordering: .relaxed) }
}
