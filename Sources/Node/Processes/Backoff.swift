/// How long to wait before a daemon that ended is started again: 1 s, doubled each time up to 30 s, and from the start
/// again once it has lived for 60 s. Times are seconds on any one monotonic clock, handed in.
package struct Backoff: Equatable, Sendable {
    package static let first = 1.0
    package static let longest = 30.0
    /// A life of this many seconds counts as healthy.
    package static let healthyLife = 60.0

    private var next = first
    private var startedAt: Double?

    package init() {}

    package mutating func started(at now: Double) { startedAt = now }

    /// - Returns: when to start it again.
    package mutating func ended(at now: Double) -> Double {
        if let startedAt, now - startedAt >= Self.healthyLife { next = Self.first }
        startedAt = nil
        defer { next = min(next * 2, Self.longest) }
        return now + next
    }
}
