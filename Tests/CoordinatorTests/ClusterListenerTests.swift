import Cluster
import Coordinator
import Foundation
import RouterHarness
import Testing
import Wire

/// What other hosts may ask of a node, and what it tells them.
struct ClusterListenerTests {
    private static let ini = """
        [NODE]
        share = heavy
        [code-fast]
        role = fast
        hf_repo = a/b
        hf_file = f.gguf
        [code-smart]
        role = agent
        hf_repo = a/b
        hf_file = s.gguf
        [plan]
        role = plan
        hf_repo = a/b
        hf_file = p.gguf
        """

    private static let local = "[code-smart]\nhf_repo = a/b\nhf_file = s.gguf"

    /// As ``ini`` has it.
    private static func node() -> ScriptedNode { ScriptedNode(tiers: ["plan", "code-smart"], own: ["code-fast"]) }

    private static func router(
        _ node: ScriptedNode, profile: ServingProfile = .clusterListener, roster: [Roster.Entry] = [],
        ini: String = ini, answer: @escaping ScriptedUpstream.Answer = ScriptedUpstream.ok
    ) async throws -> RunningRouter {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).ini")
        try ini.write(to: file, atomically: true, encoding: .utf8)
        let identity = ClusterIdentity(id: ClusterID("cluster0"), name: "team", security: .open)
        let routes = NodeRoutes(node: node, gate: node, book: FleetBook(local: node)) {
            Roster(cluster: identity, nodes: roster)
        }
        return try await RunningRouter(ini: file, profile: profile, node: routes, answer: answer)
    }

    private static func chat(_ model: String) -> String {
        RequestText.post(
            "/v1/chat/completions", #"{"model":"\#(model)","messages":[{"role":"user","content":"hi"}]}"#)
    }

    /// Who reads the first `model` sees another one than who reads the last.
    private static func twice(_ first: String, _ last: String) -> String {
        #"{"model":"\#(first)","messages":[{"role":"user","content":"hi"}],"model":"\#(last)"}"#
    }

    @Test(
        "Others reach the tiers that are lent, and nothing else of llama-swap's",
        arguments: [
            (chat("code-smart"), 200, "ok"), (chat("plan"), 200, "ok"), (chat("planner"), 200, "ok"),
            (RequestText.post("/v1/embeddings", #"{"model":"plan","input":"x"}"#), 200, "ok"),
            (chat("code-fast"), 403, "model_not_allowed"), (chat("autocomplete"), 403, "model_not_allowed"),
            (chat("nothing"), 404, "model_not_found"),
            (RequestText.post("/v1/embeddings", #"{"model":"auto"}"#), 404, "model_not_found"),
            (RequestText.post("/v1/embeddings", #"{"input":"x"}"#), 404, "model_not_found"),
            (RequestText.post("/v1/audio/transcriptions", "--boundary"), 415, "unsupported_media_type"),
            (RequestText.post("/v1/chat/completions", "[]"), 400, "invalid_json"),
            (RequestText.post("/v1/chat/completions", twice("plan", "code-smart")), 400, "invalid_value"),
            (RequestText.post("/v1/chat/completions", twice("code-fast", "auto")), 400, "invalid_value"),
            (RequestText.post("/v1/embeddings", twice("code-fast", "plan")), 400, "invalid_value"),
            (RequestText.get("/unload"), 404, "not_found"), (RequestText.get("/upstream/plan/"), 404, "not_found"),
            (RequestText.get("/logs"), 404, "not_found"), (RequestText.get("/slots"), 404, "not_found"),
            (RequestText.get("/props?model=plan"), 404, "not_found"), (RequestText.get("/"), 404, "not_found"),
            (RequestText.get("/running"), 404, "not_found"), (RequestText.get("/models.ini"), 200, "[code-smart]"),
            (RequestText.get("/v1/models"), 200, "\"auto\""), (RequestText.get("/llmstack/v1/node"), 200, "studio"),
            (RequestText.get("/llmstack/v1/cluster"), 200, "team"),
        ])
    func allowed(_ request: String, _ status: Int, _ text: String) async throws {
        let router = try await Self.router(Self.node())
        let reply = try router.replies(to: [request])[0]
        #expect(reply?.status == status)
        #expect(reply?.text.contains(text) == true)
        // What is refused is not even asked about.
        #expect(status == 200 || router.upstream.requests.isEmpty)
        await router.stop()
    }

    @Test("Others see what is lent, and nothing of the rest")
    func shown() async throws {
        let list =
            #"{"object":"list","data":[{"id":"code-fast"},{"id":"plan","x":1},{"id":"autocomplete"},{"id":"planner"},{"id":"gpt-oss"}]}"#
        let router = try await Self.router(Self.node()) { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(list.utf8.count)\r\n\r\n\(list)")
            return .keepOpen
        }
        let replies = try router.replies(to: [RequestText.get("/v1/models"), RequestText.get("/models.ini")])
        #expect(replies[0]?.text.hasSuffix(#","tier":"auto"},{"id":"plan","x":1},{"id":"planner"}]}"#) == true)
        let lent = try #require(replies[1]?.text)
        #expect(!lent.contains("code-fast") && !lent.contains("[NODE]") && !lent.contains("f.gguf"))
        #expect(lent.hasSuffix("[plan]\nrole = plan\nhf_repo = a/b\nhf_file = p.gguf"))
        await router.stop()
    }

    @Test("auto never chooses a tier that is not lent, where the agent's is")
    func auto() async throws {
        let router = try await Self.router(Self.node())
        let long = String(repeating: "word ", count: 40_000)
        let body = #"{"model":"auto","messages":[{"role":"user","content":"\#(long)"}]}"#
        let reply = try router.replies(to: [RequestText.post("/v1/chat/completions", body)])[0]
        #expect(reply?.status == 200)
        #expect(router.upstream.requests.first?.text.hasPrefix(#"{"model":"code-smart""#) == true)
        await router.stop()
        // On loopback the ladder is as it always was, while it has hosts.
        let own = try await Self.router(Self.node(), profile: .clusterLoopback)
        _ = try own.replies(to: [RequestText.post("/v1/chat/completions", body)])
        #expect(own.upstream.requests.first?.text.hasPrefix(#"{"model":"code-fast""#) == true)
        await own.stop()
    }

    @Test(
        "auto is refused where nothing may stand in for the ladder's choice: the filter is not put back, nobody pays",
        arguments: [
            ("[nofilter] hi", "code-smart", "[plan-uncensored]\nhf_repo = a/b\nhf_file = u.gguf\n\(local)"),
            ("[nofilter] hi", "heavy", local),
            ("hi", "code-smart", "[code-smart]\naws_model_id = some.model"),
        ])
    func nothingInItsPlace(_ prompt: String, _ share: String, _ tiers: String) async throws {
        let ini = "[NODE]\nshare = \(share)\n[code-ultra]\nhf_repo = a/b\nhf_file = l.gguf\n\(tiers)\n"
        let router = try await Self.router(Self.node(), ini: ini)
        let body = #"{"model":"auto","messages":[{"role":"user","content":"\#(prompt)"}]}"#
        let reply = try router.replies(to: [RequestText.post("/v1/chat/completions", body)])[0]
        #expect(reply?.status == 503)
        #expect(reply?.text.contains("no_node_available") == true)
        #expect(router.upstream.requests.isEmpty)
        await router.stop()
    }

    @Test(
        "A tier that could not be served is not asked for: no request starts a download",
        arguments: [
            (TierState.absent, 503), (.unfit, 503), (.stopped, 200), (.loading, 200), (.ready, 200), (.stopping, 200),
            (.failed, 200),
        ])
    func notThere(_ state: TierState, _ status: Int) async throws {
        let node = Self.node()
        node.change {
            $0.tiers[0].state = state
            $0.tiers[0].note = "why so"
        }
        let router = try await Self.router(node)
        let replies = try router.replies(to: [Self.chat("plan"), Self.chat("planner"), Self.chat("code-smart")])
        #expect(replies.map { $0?.status } == [status, status, 200])
        if status == 503 {
            #expect(replies[0]?.text.contains("no_node_available") == true)
            #expect(replies[0]?.text.contains("why so") == true)
        }
        await router.stop()
        // Nor is it by this host's own users: a request must not start a download of gigabytes.
        let own = try await Self.router(node, profile: .clusterLoopback)
        #expect(try own.replies(to: [Self.chat("plan")])[0]?.status == status)
        await own.stop()
    }

    @Test("A node that drains refuses others with when to try again, and serves its own host")
    func draining() async throws {
        let node = Self.node()
        let router = try await Self.router(node)
        node.drain("on battery")
        let refusal = try router.replies(to: [Self.chat("plan")])[0]
        #expect(refusal?.status == 503)
        #expect(refusal?["retry-after"] == "30")
        #expect(refusal?.text.contains("on battery") == true)
        await router.stop()
        let own = try await Self.router(node, profile: .clusterLoopback)
        #expect(try own.replies(to: [Self.chat("plan")])[0]?.status == 200)
        await own.stop()
    }

    @Test("Requests are counted from their start to their end, however they end")
    func traffic() async throws {
        let node = Self.node()
        let timings = #""timings":{"cache_n":3,"prompt_n":7,"prompt_ms":70.5,"predicted_n":9,"predicted_ms":90.0}"#
        let router = try await Self.router(node) { socket, request in
            if request.text.contains("planner") { return .close }
            let body = "data: {\"choices\":[],\(timings)}\n\ndata: [DONE]\n\n"
            socket.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: \(body.utf8.count)\r\n\r\n")
            // Cut in the middle of the timings.
            socket.send(String(body.prefix(40)))
            socket.send(String(body.dropFirst(40)))
            return .keepOpen
        }
        _ = try router.replies(to: [Self.chat("plan"), Self.chat("planner")])
        let isOver = await eventually { node.traffic.count == 4 }
        #expect(isOver)
        #expect(node.traffic == ["+plan", "-plan", "+plan", "-plan"])
        #expect(
            node.timings == [
                ReplyTimings(
                    promptTokens: 7, promptMilliseconds: 70.5, decodedTokens: 9, decodeMilliseconds: 90,
                    cachedTokens: 3)
            ])
        await router.stop()
    }

    @Test("A client that leaves is no longer counted")
    func clientGone() async throws {
        let node = Self.node()
        let router = try await Self.router(node) { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            return .keepOpen
        }
        let client = try Socket(port: router.port)
        client.send(Self.chat("plan"))
        _ = try client.read { $0.suffix(5) == Array("abc\r\n".utf8) }
        #expect(node.traffic == ["+plan"])
        client.close()
        let isOver = await eventually { node.traffic == ["+plan", "-plan"] }
        #expect(isOver)
        await router.stop()
    }

    @Test("Subscribers get the whole, then what changes, and pings; and are forgotten when they leave")
    func events() async throws {
        let node = Self.node()
        let router = try await Self.router(node)
        let client = try Socket(port: router.port)
        client.send(RequestText.get("/llmstack/v1/events"))
        let first = try await Self.text(client) { $0.contains("\"version\":\"1\"}\n\n") }
        #expect(first.contains("event: state\ndata: {\"cluster\":\"cluster0\""))
        node.change { $0.tiers[0].state = .ready }
        let change = try await Self.text(client) { $0.contains("event: change") && $0.contains("]}\n\n") }
        #expect(change.contains("event: change\ndata: {\"seq\":1,\"tiers\":[{"))
        let ping = try await Self.text(client) { $0.contains("event: ping\ndata: {}\n\n") }
        #expect(ping.contains("event: ping\ndata: {}\n\n"))
        client.close()
        let isForgotten = await eventually { node.subscribers == 0 }
        #expect(isForgotten)
        await router.stop()
    }

    /// Reads on a thread of its own: what is read is written by a task, which needs one of the pool's.
    private static func text(_ client: Socket, until isEnough: @escaping @Sendable (String) -> Bool) async throws
        -> String
    {
        try await onThread {
            String(decoding: try client.read { isEnough(String(decoding: $0, as: UTF8.self)) }, as: UTF8.self)
        }
    }

    @Test("A stop ends subscriptions cleanly and at once")
    func stop() async throws {
        let node = Self.node()
        let router = try await Self.router(node)
        let client = try Socket(port: router.port)
        client.send(RequestText.get("/llmstack/v1/events"))
        _ = try await Self.text(client) { $0.contains("event: state") }
        await router.stop(grace: 60_000)
        let rest = try await Self.text(client) { _ in false }
        #expect(rest.hasSuffix("0\r\n\r\n"))
        let isForgotten = await eventually { node.subscribers == 0 }
        #expect(isForgotten)
    }

    @Test("A drain by name goes to that node, one by nobody's name is an error")
    func drain() async throws {
        let other = ScriptedNode("desk")
        let desk = try await Self.router(other)
        let entry = Roster.Entry(other.description, addresses: ["127.0.0.1"], port: desk.port)
        let node = Self.node()
        let router = try await Self.router(node, profile: .clusterLoopback, roster: [entry])
        let replies = try router.replies(to: [
            RequestText.post("/llmstack/v1/drain?node=desk", ""),
            RequestText.post("/llmstack/v1/drain?node=nobody", ""),
            RequestText.post("/llmstack/v1/drain", ""), RequestText.post("/llmstack/v1/drain?undo=1", ""),
        ])
        #expect(replies.map { $0?.status } == [200, 404, 200, 200])
        #expect(!other.description.policy.accepting)
        #expect(node.description.policy.accepting)
        await router.stop()
        await desk.stop()
    }

    @Test("Of two nodes of a name neither is drained, unless one is meant by its id or only one is there")
    func drainOfTwo() async throws {
        let node = Self.node()
        let name = node.description.name
        var other = Roster.Entry(node.description, addresses: ["127.0.0.1"], port: 1)
        other.id = NodeID("other0000000")
        for (state, meant, status) in [
            ("up", name, 409), ("up", node.description.id.description, 200), ("down", name, 200),
        ] {
            other.state = state
            let router = try await Self.router(node, profile: .clusterLoopback, roster: [other])
            let reply = try router.replies(to: [RequestText.post("/llmstack/v1/drain?node=\(meant)&undo=1", "")])[0]
            #expect(reply?.status == status, "\(state) \(meant)")
            if status == 409 {
                #expect(reply?.text.contains("\(node.description.id), other0000000") == true, "\(reply?.text ?? "")")
            }
            await router.stop()
        }
    }

    @Test("A router in no cluster has none of these routes: they are llama-swap's")
    func singleHost() async throws {
        let router = try await Self.router(Self.node(), profile: .singleHost)
        let replies = try router.replies(to: [
            RequestText.get("/llmstack/v1/node"), RequestText.get("/llmstack/v1/events"),
            RequestText.post("/v1/embeddings", "not JSON"),
        ])
        #expect(replies.map { $0?.text } == ["ok", "ok", "ok"])
        #expect(router.upstream.requests.count == 3)
        await router.stop()
    }
}
