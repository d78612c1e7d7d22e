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
        var lastTicket: UInt64 = 0
        /// Of those that have a ticket and no final answer yet.
        var answers: [UInt64: @Sendable (AdmissionAnswer) -> Void] = [:]

        func tell() {
            for subscriber in subscribers.values { subscriber.yield(state.description) }
        }

        /// Who is to be told what, outside of the lock.
        mutating func takeAnswers() -> [(@Sendable (AdmissionAnswer) -> Void, AdmissionAnswer)] {
            state.takeAnswers().compactMap { news in
                let answer = answers[news.ticket]
                if case .queued = news.answer {} else { answers[news.ticket] = nil }
                return answer.map { ($0, news.answer) }
            }
        }
    }

    private let shared: Mutex<Shared>
    let llamaSwap: Endpoint
    let environment: [String: String]
    let log: Logger
    /// Where the kernel shows power supplies and graphics cards.
    let sysRoot: String
    private let start = ContinuousClock.now
    /// Wakes whoever asks llama-servers for their slots.
    /// Wakes whoever tells the subscribers of counts that have changed.
    private let (countsHaveChanged, countsChange) = AsyncStream.makeStream(
        of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let (slotsAreWanted, wantSlots) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - usesNext: whether the queued weights run: the channel's.
    ///   - llamaSwap: where it listens.
    ///   - environment: where weights and `nvidia-smi` are looked for.
    ///   - sysRoot: `/sys`, or a test's.
    package init(
        identity: AgentState.Identity, catalog: Catalog, usesNext: Bool, llamaSwap: Endpoint,
        environment: [String: String], sysRoot: String = "/sys", log: Logger
    ) {
        var state = AgentState(catalog: catalog, usesNext: usesNext, identity: identity, machine: .unexamined)
        var survey = WeightsSurvey(environment: environment, limit: nil)
        // At once: nobody may be told that weights are here which are not.
        state.saw(weights: survey.look(catalog, usesNext: usesNext), at: 0)
        shared = Mutex(Shared(state: state))
        self.llamaSwap = llamaSwap
        self.environment = environment
        self.sysRoot = sysRoot
        self.log = log
    }

    // MARK: LocalNode

    package var description: NodeDescription { shared.withLock { $0.state.description } }

    package func descriptions() -> AsyncStream<NodeDescription> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeDescription.self, bufferingPolicy: .bufferingNewest(1))
        let number = shared.withLock { shared in
            shared.lastSubscriber += 1
            shared.subscribers[shared.lastSubscriber] = continuation
            continuation.yield(shared.state.description)
            return shared.lastSubscriber
        }
        continuation.onTermination = { [weak self] _ in
            self?.shared.withLock { _ = $0.subscribers.removeValue(forKey: number) }
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
        var ticket = AdmissionTicket(number: 0, tier: tier)
        count { shared in
            shared.lastTicket += 1
            ticket.number = shared.lastTicket
            shared.answers[ticket.number] = answer
            shared.state.enter(ticket, request, at: now)
        }
        return ticket
    }

    package func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?) {
        let now = now
        count { shared in
            shared.answers[ticket.number] = nil
            shared.state.leave(ticket, timings, at: now)
        }
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
                group.addTask { await self.tellCounts() }
            }
        }
        drain("its router is stopping")
    }

    /// Seconds since this agent was made.
    var now: Double { (ContinuousClock.now - start) / .seconds(1) }

    var catalog: (Catalog, usesNext: Bool) { shared.withLock { ($0.state.catalog, $0.state.usesNext) } }

    var unaskedTiers: [String] { shared.withLock { $0.state.unaskedTiers } }

    /// Lets the state take something in, and tells the subscribers what came of it. They are told under the lock, so
    /// that nobody is told the older last; telling never runs their code.
    func update(_ change: (inout AgentState) -> Void) {
        let answers = shared.withLock { shared in
            let before = shared.state.description.sequence
            change(&shared.state)
            if shared.state.description.sequence != before { shared.tell() }
            return shared.takeAnswers()
        }
        for (answer, news) in answers { answer(news) }
    }

    /// The same for what every request does: subscribers are told of counts ten times a second at most, for there may be
    /// thousands of requests and dozens of subscribers.
    private func count(_ change: (inout Shared) -> Void) {
        let answers = shared.withLock { shared in
            change(&shared)
            return shared.takeAnswers()
        }
        for (answer, news) in answers { answer(news) }
        countsChange.yield()
    }

    private static let countsPause = Duration.milliseconds(100)

    private func tellCounts() async {
        for await _ in countsHaveChanged {
            shared.withLock { $0.tell() }
            try? await Task.sleep(for: Self.countsPause)
        }
    }
}
