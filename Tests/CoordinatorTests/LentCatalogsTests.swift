import Cluster
import Coordinator
import Foundation
import RouterHarness
import Testing
import Wire

/// `/models.ini` and `/v1/models` of a router that knows two other nodes, over sockets.
struct LentCatalogsTests {
    private static let identity = ClusterIdentity(id: ClusterID("cluster0"), name: "team", security: .open)

    private static func section(_ name: String, _ more: String = "") -> String {
        "[\(name)]\n\(more)hf_repo = a/b\nhf_file = \(name).gguf\n"
    }

    private static func file(_ text: String) throws -> URL {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).ini")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file
    }

    /// Another host: its listener, and the models.ini behind it.
    private struct Host {
        let node: ScriptedNode
        let ini: URL
        let router: RunningRouter

        init(_ name: String, _ text: String, tiers: [String]) async throws {
            node = ScriptedNode(name, tiers: tiers)
            ini = try LentCatalogsTests.file(text)
            let routes = NodeRoutes(node: node, gate: node, book: FleetBook(local: node)) {
                Roster(cluster: identity, nodes: [])
            }
            router = try await RunningRouter(ini: ini, profile: .clusterListener, node: routes)
        }

        var place: Place { Place(host: "127.0.0.1", port: router.port) }

        func stop() async {
            await router.stop()
            try? FileManager.default.removeItem(at: ini)
        }
    }

    private static let own =
        "[mine]\nrole = fast\naliases = m\n" + section("mine").dropFirst("[mine]\n".count)
        + section("heavy", "role = agent\naliases = h\n") + "[NODE]\nshare = heavy\n"

    /// A router of each profile that knows what these hosts lend.
    private static func watch(
        _ hosts: [Host],
        _ body: (_ loopback: RunningRouter, _ listener: RunningRouter, _ others: LentCatalogs) async throws -> Void
    ) async throws {
        let others = LentCatalogs(log: .quiet)
        let monitor = MembershipMonitor.quiet(own: NodeID("self00000000"), cluster: identity.id) {
            others.changed($0, $1)
        }
        let (news, feed) = AsyncStream.makeStream(of: MembershipMonitor.News.self)
        let run = Task {
            await withDiscardingTaskGroup { group in
                group.addTask { await others.run() }
                await monitor.run(news)
                group.cancelAll()
            }
        }
        for host in hosts { feed.yield(.named(host.place)) }
        let node = ScriptedNode("self", tiers: ["heavy"])
        let routes = NodeRoutes(node: node, gate: node, book: FleetBook(local: node), others: others) {
            Roster(cluster: identity, nodes: [])
        }
        let ini = try file(own)
        let list = #"{"object":"list","data":[{"id":"mine"},{"id":"heavy"},{"id":"h"},{"id":"extra"}]}"#
        let answer: ScriptedUpstream.Answer = { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(list.utf8.count)\r\n\r\n\(list)")
            return .keepOpen
        }
        let loopback = try await RunningRouter(ini: ini, profile: .clusterLoopback, node: routes, answer: answer)
        let listener = try await RunningRouter(ini: ini, profile: .clusterListener, node: routes, answer: answer)
        try await body(loopback, listener, others)
        feed.finish()
        await run.value
        for router in [loopback, listener] { await router.stop() }
        for host in hosts { await host.stop() }
        try FileManager.default.removeItem(at: ini)
    }

    private static func text(_ router: RunningRouter, _ target: String, _ field: String = "") throws -> String {
        try router.replies(to: [RequestText.get(target, field)])[0]?.text ?? ""
    }

    private struct Models: Decodable {
        struct Entry: Decodable {
            var id: String
            var name: String?
            var hosts: [String]?
        }
        var data: [Entry]
    }

    private static func models(_ router: RunningRouter, _ field: String = "") throws -> [Models.Entry] {
        try JSONDecoder().decode(Models.self, from: Data(text(router, "/v1/models", field).utf8)).data
    }

    @Test func `What others lend follows what is own, and goes with them`() async throws {
        let box = try await Host(
            "box",
            Self.section("big", "description = Thinks\naliases = b, h\n") + Self.section("heavy")
                + Self.section("mine"),
            tiers: ["big", "heavy", "mine"])
        let studio = try await Host(
            "studio", Self.section("big") + Self.section("hidden", "role = fast\n") + Self.section("more"),
            tiers: ["big", "more"])
        box.node.change { $0.tiers[0].aliases = ["b", "h", "extra"] }
        try await Self.watch([box, studio]) { loopback, listener, others in
            let isThere = await eventually {
                (try? Self.text(loopback, "/models.ini").contains("[big]")) == true
                    && (try? Self.text(loopback, "/models.ini").contains("[more]")) == true
            }
            #expect(isThere)
            let rest =
                "\n; served by box, studio\n" + Self.section("big", "description = Thinks\n")
                + "aliases = b\n\n; served by studio\n" + Self.section("more")
            #expect(try Self.text(loopback, "/models.ini") == Self.own + rest)
            // What the node does not lend is lent by another one.
            let shared = try Self.text(listener, "/models.ini")
            #expect(shared.hasPrefix(Self.section("heavy", "role = agent\naliases = h\n")))
            #expect(shared.contains("\n; served by box\n[mine]\n") && !shared.contains("[NODE]"))
            #expect(try Catalog.parse(shared, file: "x").sections.map(\.name) == ["heavy", "big", "mine", "more"])
            #expect(try Self.text(loopback, "/models.ini?lent=own") == Self.own)
            #expect(try !Self.text(listener, "/models.ini?lent=own").contains("served by"))

            let all = try Self.models(loopback)
            #expect(all.map(\.id) == ["auto", "mine", "heavy", "h", "extra", "big", "b", "more"])
            #expect(all.compactMap(\.hosts) == [["box", "studio"], ["box", "studio"], ["studio"]])
            #expect(all.suffix(3).map(\.name) == ["Thinks", "Thinks (alias of big)", "more"])
            #expect(
                try Self.models(loopback, "x-llmstack-hop: 1\r\n").map(\.id) == ["auto", "mine", "heavy", "h", "extra"])
            let lent = try Self.models(listener).map(\.id)
            #expect(lent == ["auto", "heavy", "h", "big", "b", "extra", "mine", "more"])

            studio.node.change { $0.tiers[1].state = TierState.absent }
            #expect(await eventually { (try? Self.models(loopback).map(\.id).contains("more")) == false })
            await box.router.stop()
            #expect(await eventually { (try? Self.models(loopback).last?.hosts) == ["studio"] })
            #expect(await eventually { (try? Self.text(loopback, "/models.ini").contains("box")) == false })
            #expect(try Self.text(loopback, "/models.ini").contains("; served by studio\n[big]\n"))
        }
    }

    @Test func `A file that changes with its tiers is fetched anew, and a faulty one is nothing`() async throws {
        let box = try await Host("box", Self.section("big"), tiers: ["big"])
        let bad = try await Host("bad", Self.section("worse"), tiers: ["worse"])
        try "hello\n".write(to: bad.ini, atomically: true, encoding: .utf8)
        try await Self.watch([box, bad]) { loopback, _, _ in
            #expect(await eventually { (try? Self.text(loopback, "/models.ini").contains("[big]")) == true })
            try (Self.section("big") + Self.section("bigger")).write(to: box.ini, atomically: true, encoding: .utf8)
            box.node.change { $0.tiers.append(TierReport(name: "bigger", fingerprint: .init(family: "f"))) }
            #expect(await eventually { (try? Self.text(loopback, "/models.ini").contains("[bigger]")) == true })
            #expect(try !Self.text(loopback, "/models.ini").contains("worse"))
            // It says that it serves it: that much is known without its file.
            #expect(await eventually { (try? Self.models(loopback).map(\.id).contains("worse")) == true })
        }
    }
}
