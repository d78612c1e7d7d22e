/// How many retries a router may make, so that a fault of many hosts does not double what the others have to do.
///
/// 1. In the last ``window`` seconds at most ``least`` retries, and ``share`` of the requests that came in them.
/// 2. Time is counted in whole seconds: what is that long ago counts no more, and nothing is kept of it.
package struct RetryBudget: Equatable, Sendable {
    /// Seconds.
    package static let window = 10
    package static let least = 3
    /// Retries per request.
    package static let share = 0.2

    private struct Second: Equatable, Sendable {
        var number = Int.min
        var requests = 0
        var retries = 0
    }

    /// The last ``window`` seconds, each at its number modulo their count.
    private var seconds = [Second](repeating: Second(), count: window)

    package init() {}

    /// A request has come.
    package mutating func took(at now: Double) { seconds[turn(to: now)].requests += 1 }

    /// One is asked for again.
    package mutating func retried(at now: Double) { seconds[turn(to: now)].retries += 1 }

    package func allowsRetry(at now: Double) -> Bool {
        // 2
        let first = Self.number(of: now) - Self.window + 1
        var (requests, retries) = (0, 0)
        for second in seconds where second.number >= first {
            requests += second.requests
            retries += second.retries
        }
        // 1
        return Double(retries) < Double(Self.least) + Self.share * Double(requests)
    }

    private mutating func turn(to now: Double) -> Int {
        let number = Self.number(of: now)
        let index = ((number % Self.window) + Self.window) % Self.window
        if seconds[index].number != number { seconds[index] = Second(number: number) }
        return index
    }

    private static func number(of now: Double) -> Int { Int(now.rounded(.down)) }
}
