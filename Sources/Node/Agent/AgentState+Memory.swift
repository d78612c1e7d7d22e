import Cluster

// What a tier remembers of llama-swap's words.

extension AgentState.Memory {
    /// Seconds for which a tier counts as failed after its llama-server ended while loading: long enough that the next
    /// request goes to another host, short enough that a mended one is found.
    static let failureSeconds = 30.0

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
