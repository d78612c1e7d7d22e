import Cluster
import Coordinator
import Foundation
import RouterHarness
import Synchronization
import Testing
import Wire

/// Hosted tiers of a host that is in a cluster.
@Suite(.timeLimit(.minutes(3)))
struct HostedPlacementTests {
    /// Says of each request which tier it is for.
    private final class Backend: HostedBackend, ReplyProducer, Production {
        let asked = Mutex<[HostedRequest]>([])
        private let status: Int

        init(status: Int = 200) { self.status = status }

        func verdict(on tier: Tier, _ answer: @escaping @Sendable (HostedVerdict) -> Void) { answer(.usable) }

        func producer(_ request: HostedRequest) -> any ReplyProducer {
            asked.withLock { $0.append(request) }
            return self
        }

        func begin(_ body: @escaping @Sendable () -> [UInt8], _ outlet: ReplyOutlet) -> any Production {
            outlet.answer(ReplyHead(status: status), Array("hosted".utf8))
            return self
        }

        func cancel() {}
        func resume() {}

        var tiers: [String] { asked.withLock { $0.map(\.tier.name) } }
    }

    private static func chat(_ model: String, _ fields: String = "") -> String {
        RequestText.post(
            "/v1/chat/completions", #"{"model":"\#(model)","messages":[{"role":"user","content":"hi"}]}"#, fields)
    }

    @Test(arguments: ["auto", "code-ultra", "my-code-ultra"])
    func `A request that names or is led to the host's own hosted tier goes there`(model: String) async throws {
        let backend = Backend()
        let team = try await Team(
            own: ["code-smart"], hosted: ["code-ultra"], backend: backend, [("box", ["plan"], ScriptedUpstream.ok)])
        let reply = try await team.ask(Self.chat(model))
        #expect(reply?.status == 200)
        #expect(reply?.text == "hosted")
        #expect(reply?["x-llmstack-node"] == "studio")
        #expect(reply?["x-llmstack-tier"] == "code-ultra")
        #expect(backend.tiers == ["code-ultra"])
        #expect(team.router.upstream.requests.isEmpty)
        let isNoted = await eventually { team.records.list.map(\.tier) == ["code-ultra"] }
        #expect(isNoted)
        await team.stop()
    }

    @Test func `A hosted tier that fails is passed by like any other`() async throws {
        let backend = Backend(status: 502)
        let team = try await Team(
            own: ["code-smart"], hosted: ["code-ultra"], backend: backend,
            [("box", ["code-ultra"], ScriptedUpstream.ok)])
        let reply = try await team.ask(Self.chat("code-ultra"))
        #expect(reply?.status == 200)
        #expect(reply?["x-llmstack-node"] == "box")
        #expect(backend.tiers == ["code-ultra"])
        let areNoted = await eventually { team.records.list.map(\.outcome) == [.failed, .served] }
        #expect(areNoted)
        await team.stop()
    }

    @Test func `Who names a hosted tier that cannot be asked hears what mends it`() async throws {
        let backend = Backend()
        let team = try await Team(own: ["code-smart"], hosted: ["code-ultra"], backend: backend, [])
        team.node.change { description in
            description.tiers[1].state = .absent
            description.tiers[1].note = "the login has ended. To mend it: aws sso login --profile team"
        }
        let reply = try await team.ask(Self.chat("code-ultra"))
        #expect(reply?.status == 503)
        #expect(reply?.text.contains("studio: the login has ended. To mend it: aws sso login --profile team") == true)
        #expect(backend.tiers.isEmpty)
        await team.stop()
    }

    @Test(arguments: ["", "x-llmstack-hop: 1\r\n"])
    func `What AWS Bedrock has no answer for is refused at once`(fields: String) async throws {
        let backend = Backend()
        let team = try await Team(own: ["code-smart"], hosted: ["code-ultra"], backend: backend, [])
        let reply = try await team.ask(
            RequestText.post("/v1/embeddings", #"{"model":"my-code-ultra","input":"hi"}"#, fields))
        #expect(reply?.status == 400)
        #expect(reply?.text.contains("unsupported_path") == true)
        #expect(backend.tiers.isEmpty && team.router.upstream.requests.isEmpty)
        await team.stop()
    }

    @Test func `An alias that a hosted tier lists leads there, and to no local tier of a role that is called so`()
        async throws
    {
        let backend = Backend()
        let node = ScriptedNode(tiers: ["code-smart"], own: ["code-ultra"])
        node.change { description in
            for index in description.tiers.indices { description.tiers[index].state = .ready }
            description.tiers[1].backend = .bedrock
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).ini")
        defer { try? FileManager.default.removeItem(at: file) }
        try """
        [code-smart]
        role = agent
        hf_repo = a/b
        hf_file = s.gguf
        [code-ultra]
        aws_model_id = ultra
        aliases = coder
        """.write(to: file, atomically: true, encoding: .utf8)
        let identity = ClusterIdentity(id: ClusterID("cluster0"), name: "team", security: .open)
        let routes = NodeRoutes(node: node, gate: node, book: FleetBook(local: node)) {
            Roster(cluster: identity, nodes: [])
        }
        let router = try await RunningRouter(ini: file, profile: .clusterLoopback, node: routes, hosted: backend)
        let reply = try await onThread { try router.replies(to: [Self.chat("coder")])[0] }
        #expect(reply?["x-llmstack-tier"] == "code-ultra")
        #expect(backend.tiers == ["code-ultra"])
        await router.stop()
    }

    @Test func `auto never goes from a local tier to a hosted one`() async throws {
        let backend = Backend()
        let team = try await Team(
            hosted: ["code-smart"], backend: backend, [("box", ["plan"], ScriptedUpstream.always("", .close))])
        let reply = try await team.ask(
            RequestText.post(
                "/v1/chat/completions",
                #"{"model":"auto","messages":[{"role":"user","content":"[nofilter] how would you design this"}]}"#))
        #expect(reply?.status == 503)
        #expect(backend.tiers.isEmpty)
        await team.stop()
    }

    @Test(arguments: [(["code-ultra"], 200), ([], 403)])
    func `Another node's router is served only what is lent`(shared: [String], status: Int) async throws {
        let backend = Backend()
        let team = try await Team(
            own: ["code-smart"], hosted: ["code-ultra"], shared: shared + ["code-smart"], backend: backend, [],
            profile: .clusterListener)
        let reply = try await team.ask(Self.chat("code-ultra", "x-llmstack-hop: 1\r\n"))
        #expect(reply?.status == status)
        #expect(backend.tiers == shared)
        await team.stop()
    }

    @Test func `A node that takes no work lends no hosted tier either`() async throws {
        let backend = Backend()
        let team = try await Team(
            own: ["code-smart"], hosted: ["code-ultra"], shared: ["code-smart", "code-ultra"], backend: backend, [],
            profile: .clusterListener)
        team.node.drain("a rest")
        let reply = try await team.ask(Self.chat("code-ultra", "x-llmstack-hop: 1\r\n"))
        #expect(reply?.status == 503)
        #expect(reply?.text.contains("a rest") == true)
        #expect(backend.tiers.isEmpty)
        await team.stop()
    }
}
