/// Whether a tier of a host is out because its replies failed, although the host lives.
///
/// 1. Three failures in a row: out for 30 s, the next time for 60 s, and so on to 300 s.
/// 2. A success ends a row; one that comes long enough after the last time out begins the count anew.
/// 3. What the client did wrong (4xx) is neither.
///
/// That the last host of a tier is never out is ``Fleet``'s rule: it takes the others to see.
package struct Ejection: Equatable, Sendable, Codable, BitwiseCopyable {
    /// Failures in a row.
    package static let threshold = 3
    /// Seconds out, times the number of times.
    package static let seconds = 30.0
    /// Seconds out at most; and without being out again, after which the count begins anew.
    package static let limit = 300.0

    private var row = 0
    private var count = 0
    private var until = -Double.infinity

    package init() {}

    package func isOut(at now: Double) -> Bool { now < until }

    /// When it was, or will be, tried again after the last time out; nil where that is long forgiven.
    package var end: Double? { count > 0 ? until : nil }

    /// Seconds until it is tried again.
    package func remaining(at now: Double) -> Double { max(0, until - now) }

    /// - Returns: whether it is out from now on.
    package mutating func failed(at now: Double) -> Bool {
        // Those that were under way say nothing new.
        guard !isOut(at: now) else { return false }
        row += 1
        guard row >= Self.threshold else { return false }
        // 1
        if now - until > Self.limit { count = 0 }
        count += 1
        row = 0
        until = now + min(Double(count) * Self.seconds, Self.limit)
        return true
    }

    package mutating func succeeded(at now: Double) {
        // 2
        row = 0
        if now - until > Self.limit { count = 0 }
    }
}
