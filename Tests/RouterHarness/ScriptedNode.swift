package import Cluster
import Coordinator
import Synchronization
package import Wire

/// A node that says what a test says, and keeps what it is told.
package final class ScriptedNode: LocalNode, TierGate {
    /// How it answers requests that want to be let in.
    package enum Gate: Equatable, Sendable {
        /// At once.
        case open
        /// They wait until ``admit(_:)``; the first is told 1 s, the next 2 s, and so on.
        case hold
        case refuse(AdmissionRefusal)
    }

    private typealias Answer = @Sendable (AdmissionAnswer) -> Void

    private struct Held {
        var ticket: AdmissionTicket
        var request: AdmissionRequest
        var answer: Answer
    }

    private struct State {
        var description: NodeDescription
        var subscribers: [Int: AsyncStream<NodeDescription>.Continuation] = [:]
        var number = 0
        var gate = Gate.open
        var tickets: UInt64 = 0
        var requests: [AdmissionRequest] = []
        var held: [Held] = []
        /// Tickets that count: refused ones and those that have left do not.
        var present: Set<AdmissionTicket> = []
        var traffic: [String] = []
        var timings: [ReplyTimings] = []
    }

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

    package var revision: UInt64 { description.sequence }

    /// What was told of traffic: `+plan` for each that was let in, `-plan` when it is over; `?plan` for one that waits,
    /// `!plan` for one that was refused.
    package var traffic: [String] { state.withLock { $0.traffic } }

    /// All that asked, in that order.
    package var requests: [AdmissionRequest] { state.withLock { $0.requests } }

    /// Those that wait.
    package var waiting: [AdmissionRequest] { state.withLock { $0.held.map(\.request) } }

    package var timings: [ReplyTimings] { state.withLock { $0.timings } }

    package var subscribers: Int { state.withLock { $0.subscribers.count } }

    package func change(_ body: (inout NodeDescription) -> Void) {
        let (subscribers, description) = state.withLock { state in
            body(&state.description)
            state.description.sequence += 1
            return (state.subscribers.values, state.description)
        }
        // Outside of the lock, which a subscriber that is cancelled waits for.
        for subscriber in subscribers { subscriber.yield(description) }
    }

    // MARK: LocalNode

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

    // MARK: TierGate

    /// From the next request on.
    package func answer(_ gate: Gate) { state.withLock { $0.gate = gate } }

    /// Lets in the first of those that wait; the others move up.
    ///
    /// - Returns: how many were let in.
    @discardableResult
    package func admit(_ count: Int) -> Int {
        let (first, rest) = state.withLock { state in
            let first = Array(state.held.prefix(count))
            state.held.removeFirst(first.count)
            for held in first { state.traffic.append("+\(held.ticket.tier)") }
            return (first, first.isEmpty ? [] : state.held)
        }
        for held in first { held.answer(.admitted) }
        Self.tellPositions(rest)
        return first.count
    }

    /// Sends away all that wait.
    package func refuse(_ refusal: AdmissionRefusal) {
        let held = state.withLock { state in
            let held = state.held
            state.held = []
            for one in held {
                state.present.remove(one.ticket)
                state.traffic.append("!\(one.ticket.tier)")
            }
            return held
        }
        for one in held { one.answer(.refused(refusal)) }
    }

    package func enter(
        _ tier: String, _ request: AdmissionRequest, _ answer: @escaping @Sendable (AdmissionAnswer) -> Void
    ) -> AdmissionTicket {
        let (ticket, first) = state.withLock { state in
            state.tickets += 1
            let ticket = AdmissionTicket(number: state.tickets, tier: tier)
            state.requests.append(request)
            switch state.gate {
            case .open:
                state.present.insert(ticket)
                state.traffic.append("+\(tier)")
                return (ticket, AdmissionAnswer.admitted)
            case .hold:
                state.present.insert(ticket)
                state.traffic.append("?\(tier)")
                state.held.append(Held(ticket: ticket, request: request, answer: answer))
                return (ticket, Self.queued(state.held.count - 1))
            case .refuse(let refusal):
                state.traffic.append("!\(tier)")
                return (ticket, .refused(refusal))
            }
        }
        answer(first)
        return ticket
    }

    package func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?) {
        let moved = state.withLock { state -> [Held] in
            guard state.present.remove(ticket) != nil else { return [] }
            state.traffic.append("-\(ticket.tier)")
            if let timings { state.timings.append(timings) }
            guard let place = state.held.firstIndex(where: { $0.ticket == ticket }) else { return [] }
            state.held.remove(at: place)
            return state.held
        }
        Self.tellPositions(moved)
    }

    private static func queued(_ position: Int) -> AdmissionAnswer {
        .queued(position: position, seconds: Double(position + 1))
    }

    private static func tellPositions(_ held: [Held]) {
        for (position, one) in held.enumerated() { one.answer(queued(position)) }
    }
}
