import Cluster
import Node
import Wire

extension AgentState {
    /// A request at second 0.
    mutating func began(_ tier: String) -> AdmissionTicket {
        enter(tier, AdmissionRequest(id: "r", promptTokens: 100), at: 0)
    }

    /// A request that is over at once.
    mutating func served(_ tier: String, _ timings: ReplyTimings?) { leave(began(tier), timings, at: 0) }
}
