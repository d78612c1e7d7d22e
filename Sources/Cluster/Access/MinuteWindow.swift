/// Counts what happened in the last minute, to the second; nothing is kept of what is older.
package struct MinuteWindow: Equatable, Sendable {
    /// Seconds.
    package static let length = 60

    /// When each happened, oldest first.
    private var times: [Double] = []

    package init() {}

    package mutating func count(at now: Double) -> Int {
        let first = times.firstIndex { $0 > now - Double(Self.length) } ?? times.endIndex
        if first > 0 { times.removeFirst(first) }
        return times.count
    }

    package mutating func add(at now: Double) { times.append(now) }

    /// Seconds until there are fewer than `limit`; 0 where there are.
    package mutating func wait(for limit: Int, at now: Double) -> Double {
        let surplus = count(at: now) - limit
        return surplus < 0 ? 0 : times[surplus] + Double(Self.length) - now
    }
}
