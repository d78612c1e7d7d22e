import Cluster

// What a tier remembers of llama-swap's words.

extension AgentState.Memory {
    /// Seconds for which a tier counts as failed after its llama-server ended while loading: long enough that the next
    /// request goes to another host, short enough that a mended one is found.
    static let failureSeconds = 30.0

    /// Seconds that a load may take, and more where earlier ones took long: so many times as long as they did, and not more
    /// than the last.
    static let loadPatience = 120.0
    static let loadPatienceFactor = 3.0
    static let longestLoadPatience = 900.0

    /// Seconds after which a load is taken to have failed; of a first load nobody knows how long it takes.
    var loadDeadline: Double {
        let usual = speed.loadSeconds ?? .infinity
        return min(max(Self.loadPatience, Self.loadPatienceFactor * usual), Self.longestLoadPatience)
    }

    /// Whether a load takes too long. It is let go on: it may be there yet.
    func isOverdue(at now: Double) -> Bool {
        guard process == .starting, let loadBegan else { return false }
        return now - loadBegan > loadDeadline
    }

    /// - Parameter isFirst: llama-swap was not heard of just before: what began meanwhile was not seen to begin.
    mutating func saw(_ state: LlamaSwapReport.State, isFirst: Bool, at now: Double) {
        let before = process
        process = state
        if state != .ready { readySince = nil }
        switch state {
        case .starting:
            if before != .starting {
                loadBegan = isFirst ? nil : now
                slots = nil
            }
            failedUntil = nil
        case .ready:
            hasRun = true
            failedUntil = nil
            if before == .starting, let loadBegan {
                speed.loadSeconds = TierSpeed.mean(speed.loadSeconds, with: now - loadBegan)
            }
            if before != .ready, before != .starting { slots = nil }
            loadBegan = nil
            if before != .ready { readySince = now }
        case .stopping: loadBegan = nil
        case .stopped:
            // Or the load was called off: llama-swap says the same of both. Then others wait a little for nothing.
            if before == .starting { failedUntil = now + Self.failureSeconds }
            loadBegan = nil
        }
    }
}
