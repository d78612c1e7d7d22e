import Cluster
import Coordinator
import Foundation
import Logging
import RouterHarness
import Testing

/// What of the nodes' doings comes into the ledger.
struct LedgerNodeNotesTests {
    /// A cluster of one node, `studio`, that does what a test says; times are seconds of the membership's clock.
    private struct Scene {
        static let place = Place(host: "10.0.0.7", port: 10103)
        static let lead = Membership.lead(to: place)
        /// Where the clock of 1970 is when the membership's begins.
        static let start = 1_764_000_000.0

        var membership = Membership(own: NodeID("self00000000"), cluster: ClusterID("cluster0"))
        var notes = NodeNotes()
        var node = ScriptedNode().description
        private(set) var noted: [String] = []

        init() { _ = membership.named(Self.place) }

        mutating func describe(at now: Double) {
            perform(membership.described(Self.lead, node, from: Self.place, at: now), now)
        }
        mutating func ping(at now: Double) { perform(membership.pinged(Self.lead, at: now), now) }
        mutating func end(at now: Double) { perform(membership.streamEnded(Self.lead, "reset", at: now), now) }
        mutating func forget(at now: Double) { perform(membership.lost(Self.lead), now) }

        mutating func look(at now: Double) {
            keep(notes.look(at: membership.members.values, now: now, time: Self.start + now))
        }

        private mutating func perform(_ actions: [Membership.Action], _ now: Double) {
            for case .changed(let id, _, _, _) in actions {
                keep(notes.changed(id, membership.members[id], now: now, time: Self.start + now))
            }
        }

        private mutating func keep(_ entries: [LedgerEntry]) {
            for entry in entries {
                switch entry {
                case .node(let node): noted.append("\(node.name) \(Int(node.lastSeen - Self.start))")
                case .rates(let rates):
                    noted.append("\(rates.tier) \(rates.speed.decodeRate ?? 0) \(Int(rates.updated - Self.start))")
                default: noted.append("?")
                }
            }
        }

        /// What was noted since this was asked last.
        mutating func news() -> [String] {
            defer { noted = [] }
            return noted
        }
    }

    @Test("A node is noted when it comes, when it has changed, when it goes, and else once an hour")
    func nodes() {
        var scene = Scene()
        scene.describe(at: 0)
        #expect(scene.news() == ["studio 0"])
        for now in stride(from: 1.0, through: 3599, by: 1) {
            scene.ping(at: now)
            scene.look(at: now)
        }
        #expect(scene.news() == [])
        scene.ping(at: 3605)
        scene.look(at: 3605)
        #expect(scene.news() == ["studio 3605"])
        scene.node.name = "atelier"
        scene.describe(at: 3610)
        scene.look(at: 3611)
        #expect(scene.news() == ["atelier 3610"])
        scene.end(at: 3620)
        #expect(scene.news() == ["atelier 3610"])
        scene.look(at: 3700)
        #expect(scene.news() == [])
        scene.describe(at: 3800)
        scene.ping(at: 3801)
        scene.ping(at: 3802)
        scene.look(at: 3803)
        #expect(scene.news() == ["atelier 3802"])
        scene.forget(at: 3900)
        #expect(scene.news() == ["atelier 3900"])
    }

    @Test("How fast a node is, is noted when that has changed, twice a minute at most")
    func rates() {
        var scene = Scene()
        scene.node.tiers = ["plan", "code"].map { TierReport(name: $0, fingerprint: .init(family: $0)) }
        scene.describe(at: 0)
        #expect(scene.news() == ["studio 0"])
        var rate = 0.0
        func measured(_ scene: inout Scene, _ now: Double) {
            rate += 1
            scene.node.tiers[0].speed.decodeRate = rate
            scene.describe(at: now)
            scene.look(at: now)
        }
        for now in stride(from: 6.0, through: 95, by: 1) { measured(&scene, now) }
        #expect(scene.news() == ["plan 1.0 6", "plan 31.0 36", "plan 61.0 66"])
        scene.node.tiers[1].speed.decodeRate = 7
        measured(&scene, 200)
        scene.look(at: 300)
        #expect(scene.news() == ["plan 91.0 200", "code 7.0 200"])
    }

    @Test("The monitor writes down who comes, from where and how fast, and who goes")
    func monitor() async throws {
        let scratch = try LedgerScratch()
        let node = ScriptedNode()
        node.change { $0.tiers[0].speed.decodeRate = 46 }
        let identity = ClusterIdentity(id: ClusterID("cluster0"), name: "team", security: .open)
        let routes = NodeRoutes(node: node, gate: node, book: FleetBook(local: node)) {
            Roster(cluster: identity, nodes: [])
        }
        let router = try await RunningRouter(profile: .clusterListener, node: routes)
        let place = Place(host: "127.0.0.1", port: router.port)
        try await scratch.running { ledger in
            let monitor = MembershipMonitor(
                own: NodeID("self00000000"), cluster: identity.id, log: Logger(label: "test") { _ in Heard() },
                ledger: ledger)
            let (news, feed) = AsyncStream.makeStream(of: MembershipMonitor.News.self)
            let run = Task { await monitor.run(news) }
            feed.yield(.named(place))
            let isKnown = await eventually { ledger.memory.speed(of: node.description.id, "plan")?.decodeRate == 46 }
            #expect(isKnown)
            feed.yield(.forgotten(place))
            let isGone = await eventually { scratch.count("health") == 2 }
            #expect(isGone)
            feed.finish()
            await run.value
        }
        await router.stop()
        let history = try Ledger.history(path: scratch.path, limit: 10)
        #expect(
            history.map { "\($0.name) \($0.from) \($0.to) \($0.evidence)" } == [
                "studio new up it described itself", "studio up gone it was removed from the list",
            ])
        let again = scratch.ledger().memory
        let tried = again.nodes(of: identity.id, now: Date().timeIntervalSince1970)
        #expect(tried.map(\.id) == [node.description.id] && tried.first?.places == [place])
        #expect(again.nodes(of: ClusterID("cluster1"), now: Date().timeIntervalSince1970) == [])
    }
}
