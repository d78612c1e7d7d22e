import Cluster
import Coordinator
import Foundation
import RouterHarness
import Synchronization
import Testing

/// A monitor that watches a real listener of another node.
struct MembershipMonitorTests {
    private static func watch(
        _ node: ScriptedNode, onChange: @escaping @Sendable (NodeID, Membership.Member?) -> Void = { _, _ in },
        _ body: (_ tell: (MembershipMonitor.News) -> Void, MembershipMonitor, Place) async throws -> Void
    ) async throws {
        let identity = ClusterIdentity(id: ClusterID("cluster0"), name: "team", security: .open)
        let routes = NodeRoutes(node: node, gate: node, book: FleetBook(local: node)) {
            Roster(cluster: identity, nodes: [])
        }
        let router = try await RunningRouter(profile: .clusterListener, node: routes)
        let monitor = MembershipMonitor.quiet(
            own: NodeID("self00000000"), cluster: identity.id, onChange: onChange)
        let (news, feed) = AsyncStream.makeStream(of: MembershipMonitor.News.self)
        let run = Task { await monitor.run(news) }
        try await body({ feed.yield($0) }, monitor, Place(host: "127.0.0.1", port: router.port))
        feed.finish()
        await run.value
        await router.stop()
    }

    @Test("What a node says of itself enters in bounds, whole or as a change")
    func hostile() async throws {
        let node = ScriptedNode()
        node.change {
            $0.name = "studio\u{1b}[2J"
            $0.tiers[0].speed.prefillRate = 1e300
            $0.tiers[0].busy = .max
        }
        try await Self.watch(node) { tell, monitor, place in
            tell(.named(place))
            #expect(await eventually { monitor.entries.first?.tiers.isEmpty == false })
            #expect(monitor.entries.map(\.name) == ["studio[2J"])
            #expect(monitor.entries.first?.tiers.first?.speed.prefillRate == 1e9)
            #expect(monitor.entries.first?.tiers.first?.busy == 1_000_000)
            node.change { $0.tiers[0].queued = .max }
            #expect(await eventually { monitor.entries.first?.tiers.first?.queued == 1_000_000 })
        }
    }

    @Test("What answers without an identifier is no node")
    func nameless() async throws {
        let node = ScriptedNode()
        node.change { $0.id = NodeID("no identifier\u{7}") }
        try await Self.watch(node) { tell, monitor, place in
            let advertisement = Advertisement(
                cluster: ClusterID("cluster0"), clusterName: "team", node: NodeID("studio00000000"), generation: 1,
                tiers: [])
            tell(.sighted(name: "studio\u{9b}31m", host: "studio.local", [place], txt: advertisement.txt))
            #expect(await eventually { monitor.entries.first?.note?.hasSuffix("is no llmstack node") == true })
            #expect(monitor.entries.map(\.name) == ["studio31m"])
        }
    }

    @Test("Changes are told as they happen, and a ping is none")
    func told() async throws {
        let node = ScriptedNode()
        let told = Mutex<[String]>([])
        let tell: @Sendable (NodeID, Membership.Member?) -> Void = { _, member in
            let isAccepting = member?.description?.policy.accepting
            told.withLock { $0.append(isAccepting.map { "\($0)" } ?? "gone") }
        }
        try await Self.watch(node, onChange: tell) { tell, monitor, place in
            tell(.named(place))
            func silence() -> Int? { monitor.entries.first?.lastWordMilliseconds }
            // A ping comes after each silence.
            #expect(await eventually { (silence() ?? 0) > 600 })
            #expect(await eventually { (silence() ?? 1000) < 400 })
            #expect(told.withLock { $0 } == ["true"])
            node.change { $0.policy.accepting = false }
            #expect(await eventually { told.withLock { $0.count } == 2 })
            tell(.forgotten(place))
            #expect(await eventually { told.withLock { $0.count } == 3 })
            #expect(told.withLock { $0 } == ["true", "false", "gone"])
        }
    }

    @Test("A node that was reached by memory keeps its stream when mDNS finds it")
    func handedOver() async throws {
        let node = ScriptedNode()
        let id = node.description.id
        try await Self.watch(node) { tell, monitor, place in
            tell(.remembered(id, [place]))
            #expect(await eventually { monitor.entries.map(\.source) == ["memory"] })
            let advertisement = Advertisement(
                cluster: ClusterID("cluster0"), clusterName: "team", node: id, generation: 1, tiers: [])
            tell(.sighted(name: "studio", host: "studio.local", [place], txt: advertisement.txt))
            #expect(await eventually { monitor.entries.map(\.source) == ["mdns"] })
            node.change { $0.policy.accepting = false }
            #expect(await eventually { monitor.entries.first?.policy?.accepting == false })
            #expect(monitor.entries.map(\.state) == ["up"])
            #expect(node.subscribers == 1)
        }
    }
}
