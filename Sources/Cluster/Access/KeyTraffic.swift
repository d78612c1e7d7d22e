/// What each key has under way and had in the last minute, against its limits. Times in seconds of a monotonic clock.
package struct KeyTraffic: Sendable {
    package enum Refusal: Equatable, Sendable {
        case tooManyAtOnce(Int)
        /// Seconds after which there is room.
        case tooManyAMinute(Int, retryAfter: Int)
    }

    private struct Use {
        var inFlight = 0
        var minute = MinuteWindow()
    }

    private var uses: [String: Use] = [:]

    package init() {}

    /// A request of the key comes; it counts until ``leave(_:)`` unless it is refused.
    package mutating func enter(_ id: String, _ limits: KeyLimits, at now: Double) -> Refusal? {
        var use = uses.removeValue(forKey: id) ?? Use()
        defer { uses[id] = use }
        if use.inFlight >= limits.inFlight { return .tooManyAtOnce(limits.inFlight) }
        let wait = use.minute.wait(for: limits.perMinute, at: now)
        if wait > 0 { return .tooManyAMinute(limits.perMinute, retryAfter: Int(wait.rounded(.up))) }
        use.inFlight += 1
        use.minute.add(at: now)
        return nil
    }

    package mutating func leave(_ id: String) {
        guard let inFlight = uses[id]?.inFlight, inFlight > 0 else { return }
        uses[id]?.inFlight = inFlight - 1
    }

    package func inFlight(_ id: String) -> Int { uses[id]?.inFlight ?? 0 }
}
