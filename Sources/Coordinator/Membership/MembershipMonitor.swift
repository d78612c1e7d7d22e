package import Cluster
import Foundation
package import Logging
import Synchronization
import Wire

/// Keeps ``Membership`` fed: one events stream a node, a clock, and what discovery reports.
package final class MembershipMonitor: Sendable {
    /// What discovery and people say of where nodes are.
    package enum News: Sendable {
        case sighted(name: String, host: String, [Place], txt: [String])
        case lost(name: String, host: String)
        case named(Place)
        case forgotten(Place)
        /// Known before this router started.
        case remembered(NodeID, [Place])
    }

    private enum Input: Sendable {
        case news(News)
        /// From the stream of this number.
        case heard(Int, NodeFollower.Heard)
        case ended(Int, NodeFollower.Failure)
        case probed(Lead, Bool)
        case tick
    }

    /// Between two looks at the clock: by as much a verdict is late at most.
    private static let tickInterval = Duration.milliseconds(100)
    /// Looks at the clock for each that the ledger's notes are looked through.
    private static let ticksPerNote = 5

    private let membership: Mutex<Membership>
    private let clock = ContinuousClock()
    private let origin: ContinuousClock.Instant
    private let log: Logger
    private let ledger: Ledger?
    private let recorder: Recorder?
    private let transport: ClusterTransport
    private let notes = Mutex(NodeNotes())
    private let onChange: @Sendable (NodeID, Membership.Member?) -> Void
    /// What members were called when they were told of last: who is gone has no name any more.
    private let names = Mutex<[NodeID: String]>([:])

    /// - Parameters:
    ///   - ledger: gets each change of health, where nodes are that are up, and how fast.
    ///   - recorder: gets all that the membership is told, and what it makes of it.
    ///   - onChange: told of each member that is another than before, when it was heard last left aside; nil: it is a
    ///     member no more. By one task, in order, while the monitor waits.
    package init(
        own: NodeID, cluster: ClusterID, transport: ClusterTransport = .plain, log: Logger, ledger: Ledger? = nil,
        recorder: Recorder? = nil,
        onChange: @escaping @Sendable (NodeID, Membership.Member?) -> Void = { _, _ in }
    ) {
        membership = Mutex(Membership(own: own, cluster: cluster))
        origin = clock.now
        self.log = log
        self.ledger = ledger
        self.recorder = recorder
        self.transport = transport
        self.onChange = onChange
        recorder?.began(Membership(own: own, cluster: cluster), at: 0)
    }

    /// Seconds of a clock that runs on while the host sleeps.
    private var now: Double { (clock.now - origin) / .seconds(1) }

    /// The other nodes, by name.
    package var entries: [Roster.Entry] {
        let now = now
        return membership.withLock { $0.members.values.map { Roster.Entry($0, at: now) } }
            .sorted { ($0.name, $0.id.description) < ($1.name, $1.id.description) }
    }

    /// - Parameter news: ends the run when it ends.
    package func run(_ news: AsyncStream<News>) async {
        let inputs = Handover<Input>()
        await withDiscardingTaskGroup { group in
            group.addTask {
                let teller = inputs.sender()
                for await item in news { await teller.send(.news(item)) }
                inputs.finish()
            }
            group.addTask {
                let teller = inputs.sender()
                while (try? await self.clock.sleep(for: Self.tickInterval)) != nil { await teller.send(.tick) }
            }
            var streams = Streams()
            var ticks = 0
            for await input in inputs {
                for action in decide(input, streams) {
                    switch action {
                    case .follow(let lead, let places, let expected, let delay):
                        let follower = NodeFollower(places: places, expected: expected, transport: transport)
                        streams.open(lead) { follow($0, follower, after: delay, inputs.sender()) }
                    case .unfollow(let lead): streams.close(lead)
                    case .handOver(let old, let new): streams.handOver(old, to: new)
                    case .probe(let lead, let place):
                        group.addTask { [transport] in
                            let answered = await NodeFollower.answers(at: place, transport)
                            await inputs.sender().send(.probed(lead, answered))
                        }
                    case .changed(let id, let old, let new, let evidence): tell(id, old, new, evidence)
                    }
                }
                if case .tick = input { ticks += 1 }
                if case .tick = input, ticks % Self.ticksPerNote == 0, let ledger {
                    let members = membership.withLock { $0.members }
                    let time = Date().timeIntervalSince1970
                    for entry in notes.withLock({ $0.look(at: members.values, now: now, time: time) }) {
                        ledger.note(entry)
                    }
                }
            }
            streams.closeAll()
            group.cancelAll()
        }
    }

    /// The events streams, one a lead. Each has a number of its own: what a closed one said last is known by it.
    private struct Streams {
        private var open: [Lead: (number: Int, task: Task<Void, Never>)] = [:]
        private var leads: [Int: Lead] = [:]
        private var last = 0

        /// - Returns: nil for a stream that has been closed.
        func lead(of number: Int) -> Lead? { leads[number] }

        mutating func open(_ lead: Lead, _ start: (_ number: Int) -> Task<Void, Never>) {
            close(lead)
            last += 1
            open[lead] = (last, start(last))
            leads[last] = lead
        }

        mutating func close(_ lead: Lead) {
            guard let stream = open.removeValue(forKey: lead) else { return }
            stream.task.cancel()
            leads[stream.number] = nil
        }

        mutating func handOver(_ old: Lead, to new: Lead) {
            close(new)
            guard let stream = open.removeValue(forKey: old) else { return }
            open[new] = stream
            leads[stream.number] = new
        }

        mutating func closeAll() {
            for lead in open.keys { close(lead) }
        }
    }

    private func decide(_ input: Input, _ streams: Streams) -> [Membership.Action] {
        let now = now
        let isFrequent =
            switch input {
            case .heard(_, .ping), .tick: true
            default: false
            }
        if isFrequent {
            // Pings come from every node every second, and most of them change nothing but when it was heard.
            let actions = membership.withLock { decide(input, streams, at: now, &$0) }
            for case .changed(let id, _, _, _) in actions { onChange(id, membership.withLock { $0.members[id] }) }
            return actions
        }
        let (before, actions, after) = membership.withLock { membership in
            let before = membership.members
            return (before, decide(input, streams, at: now, &membership), membership.members)
        }
        for (id, member) in after where before[id].map({ !$0.isAsBefore(member) }) ?? true { onChange(id, member) }
        for id in before.keys where after[id] == nil { onChange(id, nil) }
        return actions
    }

    private func decide(
        _ input: Input, _ streams: Streams, at now: Double, _ membership: inout Membership
    ) -> [Membership.Action] {
        guard let input = Self.told(input, streams) else { return [] }
        let actions = membership.take(input, at: now)
        recorder?.took(input, actions, membership, at: now)
        return actions
    }

    /// - Returns: nil for a stream's word that has been closed.
    private static func told(_ input: Input, _ streams: Streams) -> MembershipInput? {
        switch input {
        case .news(.sighted(let name, let host, let places, let txt)):
            .sighted(.service(name: name, host: host), places, txt: txt)
        case .news(.lost(let name, let host)): .lost(.service(name: name, host: host))
        case .news(.named(let place)): .named(place)
        case .news(.remembered(let node, let places)): .remembered(node, places)
        case .news(.forgotten(let place)): .lost(Membership.lead(to: place))
        case .heard(let number, let heard):
            streams.lead(of: number).map { lead in
                switch heard {
                case .described(let description, let place): .described(lead, description, place)
                case .changed(let change): .changed(lead, change)
                case .ping: .ping(lead)
                }
            }
        case .ended(let number, let reason):
            streams.lead(of: number).map { lead in
                if let newer = reason.newer {
                    .spoke(lead, version: newer.version, newer.node)
                } else {
                    .ended(lead, reason.description, isSilence: reason.isSilence)
                }
            }
        case .probed(let lead, let answered): .probed(lead, answered: answered)
        case .tick: .tick
        }
    }

    private func follow(
        _ number: Int, _ follower: NodeFollower, after delay: Double, _ teller: Handover<Input>.Sender
    ) -> Task<Void, Never> {
        Task {
            do {
                if delay > 0 { try await clock.sleep(for: .seconds(delay)) }
                try await follower.run { await teller.send(.heard(number, $0)) }
            } catch {
                let failure = NodeFollower.Failure(error)
                if !Task.isCancelled { await teller.send(.ended(number, failure)) }
            }
        }
    }

    private func tell(_ id: NodeID, _ old: Membership.Health?, _ new: Membership.Health?, _ evidence: Evidence) {
        let member = membership.withLock { $0.members[id] }
        let name = names.withLock { names in
            let name = member?.description?.name ?? member?.advertisedName ?? names[id] ?? id.description
            names[id] = new == nil ? nil : name
            return name
        }
        let (from, to) = (old?.rawValue ?? "new", new?.rawValue ?? "gone")
        log.notice("node \(name): \(from) -> \(to) (\(evidence))")
        guard let ledger else { return }
        let time = Date().timeIntervalSince1970
        ledger.note(
            .health(
                HealthRecord(time: time, node: id, name: name, from: from, to: to, evidence: evidence.description)))
        for entry in notes.withLock({ $0.changed(id, member, now: now, time: time) }) { ledger.note(entry) }
    }
}

extension Membership.Member {
    /// Whether nothing but the time of its last word differs.
    fileprivate func isAsBefore(_ other: Self) -> Bool {
        var other = other
        other.lastWord = lastWord
        return self == other
    }
}
