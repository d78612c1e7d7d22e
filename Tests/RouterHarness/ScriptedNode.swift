package import Cluster
import Coordinator
import Synchronization
package import Wire

/// A node that says what a test says, and keeps what it is told.
package final class ScriptedNode: LocalNode, TierGate {
    private struct State {
        var description: NodeDescription
        var subscribers: [Int: AsyncStream<NodeDescription>.Continuation] = [:]
        var number = 0
        var traffic: [String] = []
        var timings: [ReplyTimings] = []
        var gate = Gate.open
        var tickets: UInt64 = 0
        var waiting: [@Sendable (AdmissionAnswer) -> Void] = []
    }

    /// What becomes of requests that want onto a tier.
    package enum Gate: Sendable { case open, held, full }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - tiers: those that it lends.
    ///   - own: those that it does not.
    package init(_ name: String = "studio", tiers: [String] = ["plan"], own: [String] = []) {
        let description = NodeDescription(
            id: NodeID("\(name)00000000"), name: name, cluster: ClusterID("cluster0"), clusterName: "team",
            version: "1", machine: .init(platform: "linux", accelerator: nil, modelMemory: 1, memory: 1), epoch: 1,
            tiers: tiers.map { TierReport(name: $0, fingerprint: .init(family: $0)) }
                + own.map { TierReport(name: $0, shared: false, fingerprint: .init(family: $0)) })
        state = Mutex(State(description: description))
    }

    package var description: NodeDescription { state.withLock { $0.description } }

    /// What was told of traffic: `+plan`, `-plan`.
    package var traffic: [String] { state.withLock { $0.traffic } }

    package var timings: [ReplyTimings] { state.withLock { $0.timings } }

    package var subscribers: Int { state.withLock { $0.subscribers.count } }

    package func change(_ body: (inout NodeDescription) -> Void) {
        state.withLock { state in
            body(&state.description)
            state.description.sequence += 1
            for subscriber in state.subscribers.values { subscriber.yield(state.description) }
        }
    }

    package func descriptions() -> AsyncStream<NodeDescription> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeDescription.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.number += 1
            state.subscribers[state.number] = continuation
            continuation.yield(state.description)
            return state.number
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.subscribers.removeValue(forKey: number) }
        }
        return stream
    }

    package func drain(_ reason: String?) {
        change {
            $0.policy.accepting = reason == nil
            $0.policy.reason = reason
        }
    }

    package func enter(
        _ tier: String, _ request: AdmissionRequest, _ answer: @escaping @Sendable (AdmissionAnswer) -> Void
    ) -> AdmissionTicket {
        let (gate, number) = state.withLock { state in
            state.tickets += 1
            state.traffic.append("+\(tier)")
            if state.gate == .held { state.waiting.append(answer) }
            return (state.gate, state.tickets)
        }
        switch gate {
        case .open: answer(.admitted)
        case .held: answer(.queued(position: 3, seconds: 7.5))
        case .full: answer(.refused(AdmissionRefusal(.queueFull(waiting: 9), retryAfter: 17)))
        }
        return AdmissionTicket(number: number, tier: tier)
    }

    package func set(_ gate: Gate) { state.withLock { $0.gate = gate } }

    /// Lets everybody in that was held.
    package func letIn() {
        let answers = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for answer in answers { answer(.admitted) }
    }

    package func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?) {
        state.withLock {
            $0.traffic.append("-\(ticket.tier)")
            if let timings { $0.timings.append(timings) }
        }
    }
}
