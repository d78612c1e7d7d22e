import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("The router over the stand-in and the real engine", .serialized, .timeLimit(.minutes(3)))
struct RouterTests {
    /// One request for each way of the automatic choice on one host, and the tier that it should get.
    struct Example: Sendable, CustomTestStringConvertible {
        var text: String
        var tier: String
        var stream: Bool
        var testDescription: String { "\(tier)\(stream ? ", streamed" : ""): \(text.prefix(20))" }
    }

    private static let texts = [
        ("capital of France?", "code-smart"),
        ("how would you design a rate limiter for our API?", "plan"),
        ("refactor this function for clarity:\n```python\ndef f(x): return x*2\n```", "code-smart"),
        ("[nofilter] outline a red-team plan for our auth flow", "plan-uncensored"),
    ]
    static let examples = texts.flatMap { text, tier in
        [false, true].map { Example(text: text, tier: tier, stream: $0) }
    }

    @Test("Each kind of request reaches its tier", arguments: [true, false])
    func tiers(loadingState: Bool) async throws {
        try await Stack.run(withRouter: true, loadingState: loadingState) { (stack: Stack) async throws in
            for example in Self.examples {
                let reply = try await stack.api.chat("auto", example.text, stream: example.stream)
                #expect(reply.status == 200, "\(example.testDescription)")
                if example.stream {
                    #expect(reply.type.hasPrefix("text/event-stream"))
                    #expect(Set(reply.values("model")) == [example.tier], "\(example.testDescription)")
                    #expect(reply.text.hasSuffix("data: [DONE]\n\n"))
                } else {
                    #expect(reply.value("model") == example.tier, "\(example.testDescription)")
                    #expect(reply.value("usage", "completion_tokens") == "4")
                }
                let running = try await stack.running()
                #expect(running[example.tier] == "ready")
                #expect(stack.router?.output.contains("auto -> \(example.tier) (") == true)
            }
        }
    }

    @Test("One heavy tier evicts the other; the fast one stays loaded")
    func eviction() async throws {
        try await Stack.run(withRouter: true) { (stack: Stack) async throws in
            #expect(try await stack.api.chat("code-fast", "hello").value("model") == "code-fast")
            let fast = await stack.enginePIDs()
            try #require(fast.count == 1)
            for (text, tier) in Self.texts[1...2] {
                #expect(try await stack.api.chat("auto", text).value("model") == tier)
                #expect(try await stack.running() == ["code-fast": "ready", tier: "ready"])
                #expect(await stack.enginePIDs().contains(fast[0]), "the fast tier was loaded anew")
            }
        }
    }

    @Test("Two requests that evict each other's tier are both answered")
    func contention() async throws {
        try await Stack.run(withRouter: true, loadingState: false) { (stack: Stack) async throws in
            async let first = stack.api.chat("code-smart", "hello", stream: true, maxTokens: 400)
            async let second = stack.api.chat("plan", "hello", stream: true, maxTokens: 400)
            async let third = stack.api.chat("smart", "hello", maxTokens: 20)
            let replies = try await (first, second, third)
            #expect(Set(replies.0.values("model")) == ["code-smart"])
            #expect(Set(replies.1.values("model")) == ["plan"])
            #expect(replies.0.text.hasSuffix("data: [DONE]\n\n") && replies.1.text.hasSuffix("data: [DONE]\n\n"))
            #expect(replies.2.value("model") == "code-smart")
        }
    }

    @Test("Models, aliases and errors of llama-swap pass through; auto is added")
    func passingThrough() async throws {
        try await Stack.run(withRouter: true) { (stack: Stack) async throws in
            let models = try await stack.api.get("/v1/models")
            let ids = (0..<20).compactMap { models.value("data", String($0), "id") }
            #expect(Set(ids).isSuperset(of: ["auto", "code-fast", "code-smart", "plan", "plan-uncensored", "heretic"]))
            #expect(try await stack.api.chat("heretic", "hello").value("model") == "plan-uncensored")
            let unknown = try await stack.api.chat("nobody", "hello")
            #expect(unknown.status == 404)
            #expect(unknown.value("error", "message") == "no router for requested model")
            #expect(try await stack.api.get("/health").text == "OK")
            #expect(try await stack.api.get("/upstream/fast/props?x=%2F").status == 200)
            #expect(try await stack.api.get("/models.ini").text.contains("[plan-uncensored]"))
        }
    }

    @Test("A client that leaves frees its slot")
    func clientGone() async throws {
        try await Stack.run(withRouter: true, loadingState: false) { (stack: Stack) async throws in
            #expect(try await stack.api.chat("plan", "hello").status == 200)
            let slots = "/upstream/plan/slots"
            let busy = #""is_processing":true"#
            let request = Task { try await stack.api.chat("plan", "hello", stream: true, maxTokens: 8000) }
            #expect(await eventually { try await stack.swap.get(slots).text.contains(busy) })
            request.cancel()
            #expect(await eventually(within: .seconds(2)) { try await !stack.swap.get(slots).text.contains(busy) })
        }
    }

    @Test("Without llama-swap a request is a 502 in OpenAI's shape, and the models are still listed")
    func upstreamDown() async throws {
        try await Stack.run(withRouter: true) { (stack: Stack) async throws in
            stack.standIn.signal(SIGTERM)
            #expect(await eventually { await stack.standIn.status == 0 })
            let reply = try await stack.api.chat("auto", "hello")
            #expect(reply.status == 502)
            #expect(reply.value("error", "message") != nil)
            #expect(reply.value("error", "type") != nil)
            let models = try await stack.api.get("/v1/models")
            #expect(models.status == 200)
            #expect(models.text.contains(#""auto""#))
        }
    }

    @Test("The openai package works with it: models, chat, streams, tools, errors", arguments: ["auto", "plan"])
    func openaiPackage(model: String) async throws {
        let python = try Installation.openaiPython()
        try await Stack.run(withRouter: true) { (stack: Stack) async throws in
            try await Self.runOpenAI(python, stack.api, model, in: stack.directory)
        }
    }

    @Test("The openai package works with the stand-in alone, so that a failure above is the router's")
    func openaiPackageAlone() async throws {
        let python = try Installation.openaiPython()
        try await Stack.run(loadingState: false) { (stack: Stack) async throws in
            try await Self.runOpenAI(python, stack.swap, "plan", in: stack.directory)
        }
    }

    private static func runOpenAI(
        _ python: URL, _ endpoint: Endpoint, _ model: String, in directory: URL
    ) async throws {
        let script = Installation.root.appending(path: "Tests/LiveTests/openai_client.py")
        let client = try Program(
            python, [script.path, "http://127.0.0.1:\(endpoint.port)", model],
            log: directory.appending(path: "openai.log"))
        let isOver = await eventually(within: .seconds(90)) { await client.status != nil }
        if !isOver { await client.end() }
        let status = await client.status
        #expect(status == 0, "\(client.output)")
    }
}
