import Cluster
import Coordinator
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
        private let verdict: HostedVerdict

        init(_ verdict: HostedVerdict = .usable) { self.verdict = verdict }

        func verdict(on tier: Tier, _ answer: @escaping @Sendable (HostedVerdict) -> Void) { answer(verdict) }

        func producer(_ request: HostedRequest) -> any ReplyProducer {
            asked.withLock { $0.append(request) }
            return self
        }

        func begin(_ body: @escaping @Sendable () -> [UInt8], _ outlet: ReplyOutlet) -> any Production {
            outlet.answer(ReplyHead(status: 200), Array("hosted".utf8))
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
        #expect(backend.tiers == ["code-ultra"])
        #expect(team.router.upstream.requests.isEmpty)
        await team.stop()
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
}
