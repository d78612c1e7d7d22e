import Cluster
import Coordinator
import Foundation
import RouterHarness
import Testing
import Wire

/// Requests that go where the cluster can serve them, over real sockets.
@Suite(.timeLimit(.minutes(3)))
struct PlacedRequestTests {
    private static func chat(_ model: String, _ text: String = "hi", stream: Bool = false, fields: String = "")
        -> String
    {
        RequestText.post(
            "/v1/chat/completions",
            #"{"model":"\#(model)","stream":\#(stream),"messages":[{"role":"user","content":"\#(text)"}]}"#, fields)
    }

    private static func says(_ status: String, _ body: String = "{}", _ fields: String = "") -> ScriptedUpstream.Answer
    {
        ScriptedUpstream.always("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    // MARK: Other hosts

    @Test func `Another host is asked once, by the tier's name, without the client's credentials`() async throws {
        let team = try await Team([("box", ["plan"], Self.says("200 OK", "from box", "Set-Cookie: a=b\r\n"))])
        let reply = try await team.ask(
            Self.chat(
                "my-plan",
                fields: "Authorization: Bearer secret\r\nCookie: c=d\r\nOrigin: http://localhost\r\nX-Mine: 1\r\n"))
        #expect(reply?.status == 200)
        #expect(reply?.text == "from box")
        #expect(reply?["x-llmstack-node"] == "box")
        #expect(reply?["x-llmstack-tier"] == "plan")
        #expect(reply?["x-llmstack-reason"] == "named")
        #expect(reply?["set-cookie"] == nil)
        let asked = try #require(team.others["box"]?.requests.first)
        #expect(asked.text.hasPrefix(#"{"model":"plan","#))
        #expect(asked["x-llmstack-hop"] == "1")
        #expect(asked["x-llmstack-request"]?.isEmpty == false)
        #expect(asked["x-mine"] == "1")
        for name in ["authorization", "cookie", "origin"] { #expect(asked[name] == nil, "\(name)") }
        #expect(team.router.upstream.requests.isEmpty)
        await team.stop()
    }

    @Test func `A query, which may hold a key, goes to this host's llama-swap and to no other host`() async throws {
        let team = try await Team(own: ["code-fast"], [("box", ["plan"], ScriptedUpstream.ok)])
        for (model, seen) in [("plan", "/v1/chat/completions"), ("code-fast", "/v1/chat/completions?api_key=secret")] {
            let body = "{\"model\":\"\(model)\",\"messages\":[]}"
            let reply = try await team.ask(RequestText.post("/v1/chat/completions?api_key=secret", body))
            #expect(reply?.status == 200)
            let upstream = model == "plan" ? team.others["box"] : team.router.upstream
            #expect(upstream?.requests.map(\.target) == [seen])
        }
        await team.stop()
    }

    @Test func `auto steps down to a host that there is, and says so`() async throws {
        let team = try await Team(own: ["code-fast"], [("box", ["plan"], ScriptedUpstream.ok)])
        let planned = try await team.ask(Self.chat("auto", "how would you design this"))
        #expect(planned?["x-llmstack-node"] == "box")
        #expect(planned?["x-llmstack-reason"] == "plan-signal")
        let short = try await team.ask(Self.chat("auto"))
        #expect(short?["x-llmstack-node"] == "studio")
        #expect(short?["x-llmstack-tier"] == "code-fast")
        #expect(
            short?["x-llmstack-reason"]?.contains("-> code-fast (code-smart has no host: no node serves it)") == true)
        #expect(team.router.upstream.requests.first?.text.hasPrefix(#"{"model":"code-fast""#) == true)
        let unfiltered = try await team.ask(Self.chat("auto", "[nofilter] hi"))
        #expect(unfiltered?.status == 503)
        #expect(unfiltered?["retry-after"] != nil)
        #expect(unfiltered?.text.contains("no_node_available") == true)
        await team.stop()
    }

    @Test(
        "A host that cannot now is passed by, once; what it says counts where nobody else can",
        arguments: [("429 Too Many Requests", 429), ("502 Bad Gateway", 502), ("503 Service Unavailable", 503)])
    func passedBy(_ status: String, _ code: Int) async throws {
        let refusing = Self.says(status, #"{"error":{}}"#, "Retry-After: 9\r\n")
        let team = try await Team([
            ("box", ["plan"], refusing), ("den", ["plan"], ScriptedUpstream.ok), ("elm", ["plan"], ScriptedUpstream.ok),
        ])
        let reply = try await team.ask(Self.chat("plan"))
        #expect(reply?.status == 200)
        #expect(reply?["x-llmstack-node"] == "den")
        team.others["den"]?.answer(refusing)
        let second = try await team.ask(Self.chat("plan"))
        #expect(second?.status == code)
        #expect(second?["retry-after"] == "9")
        #expect(team.others["elm"]?.requests.isEmpty == true)
        await team.stop()
        let alone = try await Team([("box", ["plan"], refusing)])
        let reply1 = try await alone.ask(Self.chat("plan"))
        #expect(reply1?.status == code)
        #expect(alone.others["box"]?.requests.count == 1)
        await alone.stop()
    }

    @Test func `A host that is gone is passed by, also the router's own`() async throws {
        let team = try await Team(own: ["plan"], [("box", ["plan"], ScriptedUpstream.ok)]) { _, _ in .close }
        let reply = try await team.ask(Self.chat("plan"))
        #expect(reply?.status == 200)
        #expect(reply?["x-llmstack-node"] == "box")
        #expect(team.node.traffic == ["+plan", "-plan"])
        await team.stop()
    }

    @Test func `A request that no other host is asked for says why`() async throws {
        let gone: ScriptedUpstream.Answer = { _, _ in .close }
        // The budget is one of ten seconds: on a machine that is busy with other things, once more.
        var texts: [String] = []
        var duration = Duration.seconds(10)
        while duration >= .seconds(9) {
            let team = try await Team([("box", ["plan"], gone), ("den", ["plan"], gone)])
            texts = []
            let began = ContinuousClock.now
            for _ in 1...5 {
                let reply = try await team.ask(Self.chat("plan"))
                #expect(reply?.status == 502)
                texts.append(reply?.text ?? "")
            }
            duration = ContinuousClock.now - began
            await team.stop()
        }
        // Three retries, and a fifth of the requests: the fifth request has none.
        for (index, text) in texts.enumerated() {
            let isSecond = ["box", "den"].contains { text.contains("\($0) could not serve it before") }
            #expect(isSecond == (index < 4))
            #expect(text.contains("No other host was asked: too many requests") == (index == 4))
        }
    }

    @Test(
        "A stream that breaks off between two events is told so, and has no [DONE]",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata: a\n\n",
        ])
    func upstreamLost(_ bytes: String) async throws {
        let team = try await Team([
            (
                "box", ["plan"],
                { socket, _ in
                    socket.send(bytes)
                    return .close
                }
            ), ("den", ["plan"], ScriptedUpstream.ok),
        ])
        let router = team.router
        let text = try await onThread {
            let client = try Socket(port: router.port)
            client.send(Self.chat("plan", stream: true))
            return String(
                decoding: try client.read { String(decoding: $0, as: UTF8.self).contains("upstream_lost") },
                as: UTF8.self)
        }
        #expect(text.contains("data: a\n\n"))
        #expect(text.contains(#"data: {"error":{"message":"The reply broke off"#))
        #expect(!text.contains("[DONE]"))
        #expect(team.others["den"]?.requests.isEmpty == true)
        let isNoted = await eventually { team.records.list.first?.outcome == .failed }
        #expect(isNoted)
        await team.stop()
    }

    @Test func `A host that goes down without a word is passed by`() async throws {
        let team = try await Team([("box", ["plan"], { _, _ in .keepOpen }), ("den", ["plan"], ScriptedUpstream.ok)])
        let (router, book, box) = (team.router, team.book, team.others["box"])
        async let reply = onThread { try router.replies(to: [Self.chat("plan")])[0] }
        let isAsked = await eventually { box?.requests.count == 1 }
        #expect(isAsked)
        book.fell("box", at: box?.port ?? 0, .silent(4))
        let answered = try await reply
        #expect(answered?["x-llmstack-node"] == "den")
        await team.stop()
    }

    @Test func `A host that has said goodbye finishes what it has in hand`() async throws {
        let goOn = DispatchSemaphore(value: 0)
        let team = try await Team([
            (
                "box", ["plan"],
                { socket, _ in
                    _ = goOn.wait(timeout: .now() + 60)
                    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
                    return .keepOpen
                }
            ), ("den", ["plan"], ScriptedUpstream.ok),
        ])
        let (router, book, box) = (team.router, team.book, team.others["box"])
        async let reply = onThread { try router.replies(to: [Self.chat("plan")])[0] }
        let isAsked = await eventually { box?.requests.count == 1 }
        #expect(isAsked)
        book.fell("box", at: box?.port ?? 0, .connection("it closed the connection"))
        book.changed(NodeID("box00000000"), nil)
        // By then the router has looked whether the host is lost: a stream of its own has been told that it waits.
        team.node.change { $0.tiers.append(TierReport(name: "own", fingerprint: .init(family: "own"), state: .ready)) }
        team.node.answer(.hold)
        try await onThread {
            let client = try Socket(port: router.port)
            client.send(Self.chat("own", stream: true))
            _ = try client.read { String(decoding: $0, as: UTF8.self).contains("reasoning_content") }
        }
        goOn.signal()
        let answered = try await reply
        #expect(answered?.text == "done")
        #expect(team.others["den"]?.requests.isEmpty == true)
        await team.stop()
    }

    @Test func `Another node is told of a failure by its status, though its client streams`() async throws {
        let team = try await Team(own: ["plan"], [], profile: .clusterListener)
        team.node.answer(.hold)
        let router = team.router
        async let reply = onThread {
            try router.replies(to: [Self.chat("plan", stream: true, fields: "x-llmstack-hop: 1\r\n")])[0]
        }
        let waits = await eventually { team.node.waiting.count == 1 }
        #expect(waits)
        // By then a client of its own has been told what it waits for.
        try await onThread {
            let client = try Socket(port: router.port)
            client.send(Self.chat("plan", stream: true))
            _ = try client.read { String(decoding: $0, as: UTF8.self).contains("reasoning_content") }
        }
        team.node.refuse(AdmissionRefusal(.tooLate, retryAfter: 5, tier: "plan", waiting: 0))
        let answered = try await reply
        #expect(answered?.status == 429)
        await team.stop()
    }

    @Test func `An alias that only another host has is none for this host's llama-swap`() async throws {
        let team = try await Team(own: ["plan"], [("box", ["plan"], ScriptedUpstream.ok)])
        team.others["box"]?.stop()
        for (alias, sent) in [("my-plan", "my-plan"), ("plan", "plan")] {
            let reply = try await team.ask(Self.chat(alias))
            #expect(reply?["x-llmstack-node"] == "studio")
            #expect(team.router.upstream.requests.last?.text.hasPrefix(#"{"model":"\#(sent)""#) == true)
        }
        let foreign = try await team.ask(Self.chat("box-plan"))
        #expect(foreign?["x-llmstack-node"] == "studio")
        #expect(team.router.upstream.requests.last?.text.hasPrefix(#"{"model":"plan""#) == true)
        await team.stop()
    }

    @Test func `Nothing is asked again once a byte has come`() async throws {
        let cut: ScriptedUpstream.Answer = { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            return .close
        }
        let team = try await Team([("box", ["plan"], cut), ("den", ["plan"], ScriptedUpstream.ok)])
        let reply = try await team.ask(Self.chat("plan"))
        #expect(reply == nil)
        #expect(team.others["den"]?.requests.isEmpty == true)
        let isNoted = await eventually { team.records.list.first?.outcome == .failed }
        #expect(isNoted)
        await team.stop()
    }

    @Test func `Requests that are placed already are served here or refused`() async throws {
        let team = try await Team(
            own: ["plan"], [("box", ["plan"], ScriptedUpstream.ok)], profile: .clusterListener)
        let hop = "x-llmstack-hop: 1\r\nx-llmstack-request: r1\r\n"
        let reply2 = try await team.ask(Self.chat("plan", fields: hop))
        #expect(reply2?["x-llmstack-node"] == "studio")
        team.node.change { $0.tiers[0].state = .absent }
        let refused = try await team.ask(Self.chat("plan", fields: hop))
        #expect(refused?.status == 503)
        #expect(team.others["box"]?.requests.isEmpty == true)
        // Who has not been placed is.
        let reply3 = try await team.ask(Self.chat("plan"))
        #expect(reply3?["x-llmstack-node"] == "box")
        await team.stop()
    }

    // MARK: The gate

    @Test func `A request waits for its turn, and a client that leaves gives up its place`() async throws {
        let team = try await Team(own: ["plan"], [])
        team.node.answer(.hold)
        let router = team.router
        async let reply = onThread { try router.replies(to: [Self.chat("plan")])[0] }
        let isWaiting = await eventually { team.node.traffic == ["?plan"] }
        #expect(isWaiting)
        #expect(team.router.upstream.requests.isEmpty)
        team.node.admit(1)
        let answered = try await reply
        #expect(answered?.status == 200)
        let client = try Socket(port: team.router.port)
        client.send(Self.chat("plan"))
        let waitsAgain = await eventually { team.node.waiting.count == 1 }
        #expect(waitsAgain)
        client.close()
        let hasLeft = await eventually { team.node.waiting.isEmpty }
        #expect(hasLeft)
        // An answer that comes too late is nobody's.
        team.node.admit(1)
        #expect(team.router.upstream.requests.count == 1)
        let isNoted = await eventually { team.records.list.map(\.outcome) == [.served, .left] }
        #expect(isNoted)
        await team.stop()
    }

    @Test func `A full line is told with when to come again, unless another host has room`() async throws {
        let team = try await Team(own: ["plan"], [])
        team.node.answer(.refuse(AdmissionRefusal(.queueFull, retryAfter: 17, tier: "plan", waiting: 9)))
        let reply = try await team.ask(Self.chat("plan"))
        #expect(reply?.status == 429)
        #expect(reply?["retry-after"] == "17")
        #expect(reply?.text.contains("rate_limit_exceeded") == true)
        #expect(reply?["x-llmstack-node"] == "studio")
        await team.stop()
        let two = try await Team(own: ["plan"], [("box", ["plan"], ScriptedUpstream.ok)])
        two.node.answer(.refuse(AdmissionRefusal(.queueFull, retryAfter: 17, tier: "plan", waiting: 9)))
        let reply4 = try await two.ask(Self.chat("plan"))
        #expect(reply4?["x-llmstack-node"] == "box")
        #expect(two.node.traffic == ["!plan"])
        await two.stop()
    }

    @Test func `A client that streams is told what it waits for, and then has its reply`() async throws {
        let team = try await Team(
            own: ["plan"], [], answer: Self.says("200 OK", "data: [DONE]\n\n", "Content-Type: text/event-stream\r\n"))
        team.node.answer(.hold)
        let router = team.router
        let text = try await onThread {
            let client = try Socket(port: router.port)
            client.send(Self.chat("plan", stream: true))
            let first = try client.read { String(decoding: $0, as: UTF8.self).contains("reasoning_content") }
            team.node.admit(1)
            let rest = try client.read { String(decoding: $0, as: UTF8.self).contains("[DONE]") }
            return String(decoding: first + rest, as: UTF8.self)
        }
        #expect(text.hasPrefix("HTTP/1.1 200 OK") && text.contains("content-type: text/event-stream"))
        #expect(text.contains("x-llmstack-node: studio"))
        #expect(text.contains(#""reasoning_content":"next in line on studio\n""#))
        #expect(text.contains("data: [DONE]\n\n"))
        await team.stop()
    }

    @Test func `An error after the head has gone out is an event, and no [DONE]`() async throws {
        let team = try await Team(own: ["plan"], [], answer: Self.says("500 Oh", "{\"error\":\n{\"code\":\"x\"}}"))
        team.node.answer(.hold)
        let router = team.router
        let text = try await onThread {
            let client = try Socket(port: router.port)
            client.send(Self.chat("plan", stream: true))
            let first = try client.read { String(decoding: $0, as: UTF8.self).contains("reasoning_content") }
            team.node.admit(1)
            let rest = try client.read { String(decoding: $0, as: UTF8.self).contains("\r\n0\r\n\r\n") }
            return String(decoding: first + rest, as: UTF8.self)
        }
        #expect(text.contains("data: {\"error\": {\"code\":\"x\"}}\n\n"))
        #expect(!text.contains("[DONE]"))
        await team.stop()
    }

    // MARK: What is told

    @Test func `Why a request would go where is shown by the terms, and nothing is sent`() async throws {
        let team = try await Team(own: ["plan"], [("box", ["plan"], ScriptedUpstream.ok)])
        let body = #"{"model":"plan","messages":[{"role":"user","content":"hi"}],"max_tokens":10}"#
        let reply = try #require(try await team.ask(RequestText.post("/llmstack/v1/explain", body)))
        let explanation = try JSONDecoder().decode(PlacementExplanation.self, from: Data(reply.body))
        #expect(explanation.hosts.map(\.node) == ["studio", "box"])
        #expect(explanation.hosts.map(\.eligible) == [true, true])
        #expect(explanation.node == "box" || explanation.node == "studio")
        for host in explanation.hosts {
            let sum = host.queue + host.load + host.prefill + 0.2 * host.decode + host.network
            #expect(abs(sum - host.total) < 1e-9)
        }
        #expect(team.router.upstream.requests.isEmpty && team.others["box"]?.requests.isEmpty == true)
        await team.stop()
    }

    @Test func `What was predicted and what came of it is noted, and nothing of the prompt`() async throws {
        let timings = #"{"timings":{"cache_n":0,"prompt_n":700,"prompt_ms":100,"predicted_n":9,"predicted_ms":90}}"#
        let team = try await Team([("box", ["plan"], Self.says("200 OK", timings))])
        _ = try await team.ask(Self.chat("plan", String(repeating: "wordy ", count: 500)))
        let isNoted = await eventually { team.records.list.count == 1 }
        #expect(isNoted)
        let record = try #require(team.records.list.first)
        #expect(record.asked == "plan" && record.tier == "plan" && record.name == "box" && record.status == 200)
        #expect(record.promptTokens == 750)
        #expect(record.predictedFirstToken ?? 0 > 0.7)
        #expect(record.observedFirstToken != nil)
        #expect(!"\(record)".contains("wordy"))
        await team.stop()
    }
}
