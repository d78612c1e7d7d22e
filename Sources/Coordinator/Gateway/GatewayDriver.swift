package import Cluster
import Foundation
import Wire

/// What a gateway hears of its cluster's routers.
package enum GatewayNews: Equatable, Sendable {
    /// Announced by mDNS, or remembered.
    case sighted(NodeID, name: String, [Place])
    case lost(NodeID)
    /// Somebody has changed the files.
    case keyMayHaveChanged
}

/// Keeps a gateway's book up to date: takes news, sends probes. ``GatewayBook`` decides.
package struct GatewayDriver: Sendable {
    /// Seconds for an answer.
    static let patience = 1.0

    private let desk: GatewayDesk
    private let readKey: @Sendable () async -> String?
    private let remember: @Sendable ([GatewayBook.Memory]) async -> Void

    /// - Parameters:
    ///   - readKey: this host's key as it is on disk now.
    ///   - remember: keeps it for the next start.
    package init(
        _ desk: GatewayDesk, readKey: @escaping @Sendable () async -> String?,
        remember: @escaping @Sendable ([GatewayBook.Memory]) async -> Void
    ) {
        self.desk = desk
        self.readKey = readKey
        self.remember = remember
    }

    private enum Input: Sendable {
        case news(GatewayNews)
        case ended(GatewayBook.Probe, GatewayBook.Outcome, [GatewayBook.Memory])
        case tick
    }

    /// Until it is cancelled.
    package func run(_ news: AsyncStream<GatewayNews>) async {
        let (inputs, feed) = AsyncStream.makeStream(of: Input.self)
        await withDiscardingTaskGroup { group in
            group.addTask { for await event in news { feed.yield(.news(event)) } }
            group.addTask { for await _ in desk.wakes { feed.yield(.tick) } }
            var kept: [GatewayBook.Memory] = []
            var alarm = Double.infinity
            feed.yield(.tick)
            for await input in inputs {
                await take(input)
                let now = Uptime.seconds
                let (due, next, memory) = desk.change { ($0.due(at: now), $0.nextDeadline, $0.memory) }
                for probe in due {
                    group.addTask {
                        let (outcome, others) = await ask(probe)
                        feed.yield(.ended(probe, outcome, others))
                    }
                }
                if memory != kept {
                    kept = memory
                    await remember(memory)
                }
                if alarm <= now { alarm = .infinity }
                if let next, next < alarm {
                    alarm = next
                    group.addTask {
                        try? await Task.sleep(for: .seconds(max(0, next - now)))
                        feed.yield(.tick)
                    }
                }
            }
            group.cancelAll()
        }
    }

    private func take(_ input: Input) async {
        let now = Uptime.seconds
        switch input {
        case .tick: break
        case .news(.sighted(let node, let name, let places)):
            desk.change { $0.sighted(node, name: name, places, at: now) }
        case .news(.lost(let node)):
            desk.change { $0.lost(node, at: now) }
        case .news(.keyMayHaveChanged):
            if let key = await readKey() { desk.use(key: key, at: now) }
        case .ended(let probe, let outcome, let others):
            desk.change { book in
                book.ended(probe, outcome, at: now)
                for other in others { book.sighted(other.node, name: other.name, other.places, at: now) }
            }
            if case .answered(_, _, key: false) = outcome, let key = await readKey() { desk.use(key: key, at: now) }
        }
    }

    // MARK: Probing

    /// All places at once: the first that answers counts.
    private func ask(_ probe: GatewayBook.Probe) async -> (GatewayBook.Outcome, [GatewayBook.Memory]) {
        await withTaskGroup(of: (GatewayBook.Outcome, [GatewayBook.Memory]).self) { group in
            for place in probe.places { group.addTask { await ask(place, probe.node) } }
            var outcome = GatewayBook.Outcome.failed
            for await result in group {
                if case .answered = result.0 {
                    group.cancelAll()
                    return result
                }
                if result.0 == .missed { outcome = .missed }
            }
            return (outcome, [])
        }
    }

    /// The list of the cluster's nodes is a sign of life that loads nothing, and tells of routers that multicast does not
    /// reach.
    private func ask(_ place: Place, _ node: NodeID) async -> (GatewayBook.Outcome, [GatewayBook.Memory]) {
        let began = Uptime.seconds
        do {
            let reply = try await HTTPProbe.ask(
                "GET", at: desk.endpoint(place, node), path: "/llmstack/v1/cluster",
                fields: ["authorization": "Bearer \(desk.key)"], timeout: .seconds(Self.patience))
            let answer = GatewayBook.Outcome.answered(
                place, roundTrip: Uptime.seconds - began, key: reply.status != 401)
            return (answer, reply.status == 200 ? others(reply.body, than: node) : [])
        } catch {
            // A handshake that hangs is given up at the same moment as the whole.
            let isOver = error.isTimeout || Uptime.seconds - began > Self.patience * 0.9
            return (isOver ? .missed : .failed, [])
        }
    }

    private func others(_ body: [UInt8], than node: NodeID) -> [GatewayBook.Memory] {
        guard let roster = try? JSONDecoder().decode(Roster.self, from: Data(body)).sanitised,
            roster.cluster.id == desk.cluster.id
        else { return [] }
        return roster.nodes.compactMap { entry in
            let hosts = (entry.address.map { [$0] } ?? []) + entry.addresses.filter { $0 != entry.address }
            // An address of a link means something on that host only.
            let places = hosts.filter { !$0.contains("%") }.map {
                Place(host: $0, port: entry.port ?? Self.clusterPort)
            }
            guard entry.id != node, entry.state == Membership.Health.up.rawValue, !places.isEmpty,
                Advertisement.isIdentifier(entry.id.description)
            else { return nil }
            return GatewayBook.Memory(node: entry.id, name: entry.name, places: places)
        }
    }

    /// Where cluster listeners listen, unless they say otherwise.
    private static let clusterPort = 10103
}
