import Cluster
import Coordinator
import Foundation
import RouterHarness
import Synchronization
import Wire

/// A router with hosts around it: `studio` is its own; the others are scripted listeners.
struct Team {
    var router: RunningRouter
    var node: ScriptedNode
    var book: FleetBook
    var others: [String: ScriptedUpstream] = [:]
    let records = Records()

    final class Records: Sendable {
        private let all = Mutex<[PlacementRecord]>([])
        var list: [PlacementRecord] { all.withLock { $0 } }
        func add(_ record: PlacementRecord) { all.withLock { $0.append(record) } }
    }

    /// - Parameters:
    ///   - own: the tiers of the router's own host.
    ///   - others: by name the tiers of another, and what it answers; the slower to work through a prompt the later its name.
    init(
        own: [String] = [], _ others: [(String, [String], ScriptedUpstream.Answer)],
        profile: ServingProfile = .clusterLoopback, answer: @escaping ScriptedUpstream.Answer = ScriptedUpstream.ok
    ) async throws {
        node = ScriptedNode(tiers: own)
        node.change { description in
            for index in description.tiers.indices {
                description.tiers[index].state = .ready
                description.tiers[index].speed = TierSpeed(loadSeconds: 1, prefillRate: 1000, decodeRate: 50)
            }
        }
        book = FleetBook(local: node)
        for (index, (name, tiers, answer)) in others.enumerated() {
            let upstream = try ScriptedUpstream(answer)
            self.others[name] = upstream
            book.add(name, tiers, at: upstream.port, prefillRate: 1000 / Double(index + 1))
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).ini")
        defer { try? FileManager.default.removeItem(at: file) }
        let sections = own.map { "[\($0)]\nhf_repo = a/b\nhf_file = \($0).gguf\naliases = my-\($0)\n" }
        try "[NODE]\nshare = all\n\(sections.joined())".write(to: file, atomically: true, encoding: .utf8)
        let identity = ClusterIdentity(id: ClusterID("cluster0"), name: "team", security: .open)
        let records = records
        let routes = NodeRoutes(node: node, gate: node, book: book) {
            Roster(cluster: identity, nodes: [])
        } note: {
            records.add($0())
        }
        router = try await RunningRouter(ini: file, profile: profile, node: routes, answer: answer)
    }

    func ask(_ request: String) async throws -> HTTPText? {
        let router = router
        return try await onThread { try router.replies(to: [request])[0] }
    }

    func stop() async {
        await router.stop()
        for other in others.values { other.stop() }
    }
}
