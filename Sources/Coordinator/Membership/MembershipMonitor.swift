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
        case heard(Lead, Int, NodeFollower.Heard)
        case ended(Lead, Int, NodeFollower.Failure)
        case probed(Lead, Bool)
        case tick
    }

    /// Between two looks at the clock.
    private static let tickInterval = Duration.milliseconds(500)

    private let membership: Mutex<Membership>
    private let clock = ContinuousClock()
    private let origin: ContinuousClock.Instant
    private let log: Logger

    package init(own: NodeID, cluster: ClusterID, log: Logger) {
        membership = Mutex(Membership(own: own, cluster: cluster))
        origin = clock.now
        self.log = log
    }

    /// Seconds of a clock that runs on while the host sleeps.
    private var now: Double { (clock.now - origin) / .seconds(1) }

    /// The other nodes, by name.
    package var entries: [Roster.Entry] {
        let now = now
        return membership.withLock { $0.members.values.map { Roster.Entry($0, at: now) } }
            .sorted { ($0.name, $0.id.description) < ($1.name, $1.id.description) }
    }

    /// Where each node is that is up: what to remember.
    package var reached: [NodeID: [Place]] {
        membership.withLock { membership in
            membership.members.values.reduce(into: [:]) { reached, member in
                guard member.health == .up, let place = member.place else { return }
                reached[member.id] = [place] + member.places.filter { $0 != place }
            }
        }
    }

    /// - Parameter news: ends the run when it ends.
    package func run(_ news: AsyncStream<News>) async {
        let (inputs, feed) = AsyncStream.makeStream(of: Input.self)
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await item in news { feed.yield(.news(item)) }
                feed.finish()
            }
            group.addTask {
                while (try? await self.clock.sleep(for: Self.tickInterval)) != nil { feed.yield(.tick) }
            }
            var followers: [Lead: (number: Int, task: Task<Void, Never>)] = [:]
            var number = 0
            for await input in inputs {
                for action in decide(input, current: { followers[$0]?.number == $1 }) {
                    switch action {
                    case .follow(let lead, let places, let expected, let delay):
                        number += 1
                        followers[lead]?.task.cancel()
                        let follower = NodeFollower(places: places, expected: expected)
                        followers[lead] = (number, follow(lead, number, follower, after: delay, feed))
                    case .unfollow(let lead): followers.removeValue(forKey: lead)?.task.cancel()
                    case .probe(let lead, let place):
                        group.addTask {
                            let answered = (try? await NodeFollower.identity(of: place)) != nil
                            feed.yield(.probed(lead, answered))
                        }
                    case .changed(let id, let old, let new, let evidence): tell(id, old, new, evidence)
                    }
                }
            }
            for follower in followers.values { follower.task.cancel() }
            group.cancelAll()
        }
    }

    private func decide(_ input: Input, current: (Lead, Int) -> Bool) -> [Membership.Action] {
        let now = now
        return membership.withLock { membership in
            switch input {
            case .news(.sighted(let name, let host, let places, let txt)):
                membership.sighted(.service(name: name, host: host), at: places, Advertisement.read(txt))
            case .news(.lost(let name, let host)): membership.lost(.service(name: name, host: host))
            case .news(.named(let place)): membership.named(place)
            case .news(.remembered(let node, let places)): membership.remembered(node, at: places)
            case .news(.forgotten(let place)): membership.lost(Membership.lead(to: place))
            case .heard(let lead, let number, let heard):
                if !current(lead, number) {
                    []
                } else {
                    switch heard {
                    case .described(let description, let place):
                        membership.described(lead, description, from: place, at: now)
                    case .changed(let change): membership.changed(lead, change, at: now)
                    case .ping: membership.pinged(lead, at: now)
                    }
                }
            case .ended(let lead, let number, let reason):
                if !current(lead, number) {
                    []
                } else if let newer = reason.newer {
                    membership.spoke(lead, version: newer.version, newer.node, at: now)
                } else {
                    membership.streamEnded(lead, reason.description, at: now)
                }
            case .probed(let lead, let answered): membership.probed(lead, answered: answered, at: now)
            case .tick: membership.tick(at: now)
            }
        }
    }

    private func follow(
        _ lead: Lead, _ number: Int, _ follower: NodeFollower, after delay: Double,
        _ feed: AsyncStream<Input>.Continuation
    ) -> Task<Void, Never> {
        Task {
            do {
                if delay > 0 { try await clock.sleep(for: .seconds(delay)) }
                try await follower.run { feed.yield(.heard(lead, number, $0)) }
            } catch {
                let failure = error as? NodeFollower.Failure ?? NodeFollower.Failure("\(error)")
                if !Task.isCancelled { feed.yield(.ended(lead, number, failure)) }
            }
        }
    }

    private func tell(_ id: NodeID, _ old: Membership.Health?, _ new: Membership.Health?, _ evidence: Evidence) {
        let name = membership.withLock { $0.members[id]?.description?.name ?? $0.members[id]?.advertisedName }
        let change = "\(old?.rawValue ?? "new") -> \(new?.rawValue ?? "gone")"
        log.notice("node \(name ?? id.description): \(change) (\(evidence))")
    }
}
