import Cluster
import Node
import Wire

/// Requests that come and go: the last that came goes first.
extension AgentState {
    private func inHand(_ tier: String) -> UInt64 {
        UInt64(description.tiers.first { $0.name == tier }?.busy ?? 0)
    }

    mutating func enter(of tier: String, at now: Double = 0) {
        enter(
            AdmissionTicket(number: inHand(tier) + 1, tier: tier), AdmissionRequest(id: "r", promptTokens: 10), at: now)
    }

    mutating func leave(of tier: String, _ timings: ReplyTimings?, at now: Double = 0) {
        leave(AdmissionTicket(number: inHand(tier), tier: tier), timings, at: now)
    }
}

extension NodeAgent {
    @discardableResult
    func enter(of tier: String) -> AdmissionTicket {
        enter(tier, AdmissionRequest(id: "r", promptTokens: 10)) { _ in }
    }
}
