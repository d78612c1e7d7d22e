package import Cluster
import Foundation
package import Logging
import ServiceLifecycle
import Synchronization
package import Wire

/// Watches this host for its router: what llama-swap runs, which weights are there, how fast requests go, what the machine
/// is and whether it is on battery. It asks nothing that would load a model: `/api/events` and `/running` of llama-swap,
/// and `/props` at a running llama-server's own port on this host.
package final class NodeAgent: LocalNode, TierGate, Service {
    private struct Shared: ~Copyable {
        var state: AgentState
        var subscribers: [Int: AsyncStream<NodeDescription>.Continuation] = [:]
        var lastSubscriber = 0
        var answers = AnswerQueue()

        /// Lets the state take something in, and tells the subscribers what came of it. They are told under the lock, so
        /// that nobody is told the older last; telling never runs their code.
        mutating func update<Result>(_ change: (inout AgentState) -> Result) -> Result {
            let before = state.description.sequence
            let result = change(&state)
            if state.description.sequence != before { tellSubscribers() }
            return result
        }

        /// Those that have gone are found out here. They must not say so themselves: a task that is cancelled says it under a
        /// lock of its own, which `yield` needs to wake that task.
        mutating func tellSubscribers() {
            for (number, subscriber) in subscribers {
                if case .terminated = subscriber.yield(state.description) { subscribers[number] = nil }
            }
        }
    }

    private let shared: Mutex<Shared>
    let llamaSwap: Endpoint
    let hosted: (any HostedBackend)?
    let environment: [String: String]
    let log: Logger
    /// Where the kernel shows power supplies and graphics cards.
    let sysRoot: String
    private let start = Uptime.seconds
    private let structure = Atomic<UInt64>(0)
    /// Wakes whoever tells the subscribers of what requests change.
    private let (trafficHasMoved, trafficMoves) = AsyncStream.makeStream(
        of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let trafficIsKnownToMove = Atomic<Bool>(false)
    /// Wakes whoever asks llama-servers for their slots.
    let (slotsAreWanted, wantSlots) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - usesNext: whether the queued weights run: the channel's.
    ///   - llamaSwap: where it listens.
    ///   - hosted: who answers for hosted tiers; without it none can be asked.
    ///   - environment: where weights and `nvidia-smi` are looked for.
    ///   - sysRoot: `/sys`, or a test's.
    package init(
        identity: AgentState.Identity, catalog: Catalog, usesNext: Bool, llamaSwap: Endpoint,
        hosted: (any HostedBackend)? = nil, environment: [String: String], sysRoot: String = "/sys", log: Logger
    ) {
        var state = AgentState(catalog: catalog, usesNext: usesNext, identity: identity, machine: .unexamined)
        var survey = WeightsSurvey(environment: environment, limit: nil)
        // At once: nobody may be told that weights are here which are not.
        state.saw(weights: survey.look(catalog, usesNext: usesNext), at: 0)
        shared = Mutex(Shared(state: state))
        self.llamaSwap = llamaSwap
        self.hosted = hosted
        self.environment = environment
        self.sysRoot = sysRoot
        self.log = log
    }

    // MARK: LocalNode

    package var description: NodeDescription { shared.withLock { $0.state.description } }

    package var revision: UInt64 { structure.load(ordering: .acquiring) }

    package func descriptions() -> AsyncStream<NodeDescription> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeDescription.self, bufferingPolicy: .bufferingNewest(1))
        shared.withLock { shared in
            shared.lastSubscriber += 1
            shared.subscribers[shared.lastSubscriber] = continuation
            // All of them, so that those that come and go are not kept until something changes.
            shared.tellSubscribers()
        }
        return stream
    }

    package func drain(_ reason: String?) { update { $0.drain(reason) } }

    /// Another models.ini was read.
    package func use(_ catalog: Catalog) { update { $0.use(catalog) } }

    // MARK: TierGate

    package func enter(
        _ tier: String, _ request: AdmissionRequest, _ answer: @escaping @Sendable (AdmissionAnswer) -> Void
    ) -> AdmissionTicket {
        let now = now
        let (ticket, first, tells) = shared.withLock { shared in
            let ticket = shared.state.enter(tier, request, at: now)
            var news = shared.state.takeNews()
            // What is final at once needs no order, and waits for nobody.
            if let index = news.firstIndex(where: { $0.ticket == ticket && $0.answer.isFinal }) {
                return (ticket, Optional(news.remove(at: index).answer), shared.answers.add(news))
            }
            shared.answers.listen(ticket, answer)
            return (ticket, nil, shared.answers.add(news))
        }
        if let first { answer(first) }
        if tells { tell() }
        trafficMoved()
        return ticket
    }

    package func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?) {
        let now = now
        let tells = shared.withLock { shared in
            shared.answers.forget(ticket)
            shared.state.leave(ticket, timings, at: now)
            return shared.answers.add(shared.state.takeNews())
        }
        if tells { tell() }
        trafficMoved()
    }

    private func trafficMoved() {
        // To wake somebody costs more than to see that it is done already.
        if !trafficIsKnownToMove.exchange(true, ordering: .sequentiallyConsistent) { trafficMoves.yield() }
    }

    /// Tells the subscribers of what requests change, ten times a second at most: there may be thousands of requests, and
    /// dozens of subscribers.
    private func tellOfTraffic() async {
        for await _ in trafficHasMoved {
            trafficIsKnownToMove.store(false, ordering: .sequentiallyConsistent)
            shared.withLock { $0.tellSubscribers() }
            try? await Task.sleep(for: Self.trafficPause)
        }
    }

    private static let trafficPause = Duration.milliseconds(100)

    /// Outside of the lock: whoever is told may call the gate.
    private func tell() {
        while let (listener, answer) = shared.withLock({ $0.answers.next() }) { listener(answer) }
    }

    // MARK: Running

    /// Watches until the service is shut down; from then on the node takes no new work.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.followLlamaSwap() }
                group.addTask { await self.askForSlots() }
                group.addTask { await self.watchWeights() }
                group.addTask { await self.watchPower() }
                group.addTask { await self.tick() }
                group.addTask { await self.tellOfTraffic() }
            }
        }
        drain("its router is stopping")
    }

    /// Seconds since this agent was made.
    var now: Double { Uptime.seconds - start }

    var catalog: (Catalog, usesNext: Bool) { shared.withLock { ($0.state.catalog, $0.state.usesNext) } }

    var unaskedTiers: [String] { shared.withLock { $0.state.unaskedTiers } }

    /// Lets the state take something in, and tells subscribers and requests what came of it.
    func update(_ change: (inout AgentState) -> Void) {
        let tells = shared.withLock { shared in
            shared.update(change)
            structure.store(shared.state.description.sequence, ordering: .releasing)
            return shared.answers.add(shared.state.takeNews())
        }
        if tells { tell() }
    }
}
