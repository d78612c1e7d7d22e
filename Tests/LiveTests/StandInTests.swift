import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("The stand-in for llama-swap over the real engine", .serialized, .timeLimit(.minutes(3)))
struct StandInTests {
    @Test("It preloads, answers by alias, and lists its models and their aliases")
    func basics() async throws {
        try await Stack.run { (stack: Stack) async throws in
            #expect(await eventually { try await stack.running() == ["code-fast": "ready"] })
            let reply = try await stack.swap.chat("fast", "hello")
            #expect(reply.status == 200)
            #expect(reply.value("model") == "code-fast")
            #expect(reply.value("usage", "completion_tokens") == "4")
            let models = try await stack.swap.get("/v1/models")
            let ids = (0..<20).compactMap { models.value("data", String($0), "id") }
            #expect(
                ids == [
                    "code-fast", "code-smart", "fast", "heretic", "plan", "plan-uncensored", "planner", "smart",
                ])
            let proxy = try await stack.swap.get("/running").value("running", "0", "proxy")
            #expect(proxy == "http://localhost:\(stack.firstPort)")
        }
    }

    @Test("A model that does not exist, and no model, are llama-swap's 404s")
    func unknown() async throws {
        try await Stack.run { (stack: Stack) async throws in
            let unknown = try await stack.swap.chat("nobody", "hello")
            #expect(unknown.status == 404)
            #expect(unknown.value("src") == "llama-swap")
            #expect(unknown.value("error", "message") == "no router for requested model")
            #expect(try await stack.swap.post("/v1/chat/completions", "{}").status == 404)
            #expect(try await stack.swap.get("/upstream/nobody/health").status == 404)
        }
    }

    @Test("While a model loads, a stream shows it; a failed load ends in bare JSON without [DONE]")
    func loadingState() async throws {
        let environment = ["LLMSTACK_ENGINE_LOAD_DELAY": "plan=1.5", "LLMSTACK_ENGINE_FAIL": "plan-uncensored"]
        try await Stack.run(environment: environment) { (stack: Stack) async throws in
            let slow = try await stack.swap.chat("plan", "hello", stream: true)
            #expect(slow.values("choices", "0", "delta", "reasoning_content").count >= 3)
            #expect(slow.text.hasSuffix("data: [DONE]\n\n"))

            let failed = try await stack.swap.chat("plan-uncensored", "hello", stream: true)
            #expect(failed.status == 200)
            let last = failed.text.split(separator: "\n").last ?? ""
            #expect(last.hasPrefix("{") && last.contains("upstream command exited prematurely"))
            #expect(!failed.text.contains("[DONE]"))
            #expect(try await stack.swap.chat("plan-uncensored", "hello").status == 500)
        }
    }

    @Test("A llama-server that is killed ends its stream cleanly, and the next request loads it again")
    func killed() async throws {
        try await Stack.run(loadingState: false) { (stack: Stack) async throws in
            #expect(try await stack.swap.chat("plan", "hello").status == 200)
            async let broken = stack.swap.chat("plan", "hello", stream: true, maxTokens: 7000)
            let slots = "/upstream/plan/slots"
            #expect(await eventually { try await stack.swap.get(slots).text.contains(#""is_processing":true"#) })
            let port = String(stack.firstPort + 2)
            let victims = Processes.all().filter { $0.words.contains(port) }
            try #require(victims.count == 1)
            kill(victims[0].pid, SIGKILL)
            let reply = try await broken
            #expect(reply.status == 200)
            #expect(!reply.text.contains("[DONE]"))
            // The stream may end a moment before the exit is seen; a request in between is a 502, as with llama-swap.
            #expect(await eventually { try await stack.running()["plan"] == nil })
            #expect(try await stack.swap.chat("plan", "hello").status == 200)
        }
    }

    @Test("A client that leaves frees its slot")
    func clientGone() async throws {
        try await Stack.run(loadingState: false) { (stack: Stack) async throws in
            #expect(try await stack.swap.chat("plan", "hello").status == 200)
            let slots = "/upstream/plan/slots"
            let request = Task { try await stack.swap.chat("plan", "hello", stream: true, maxTokens: 8000) }
            #expect(await eventually { try await stack.swap.get(slots).text.contains(#""is_processing":true"#) })
            request.cancel()
            // It would run for seconds; 8,000 tokens are not written in this time.
            #expect(
                await eventually(within: .seconds(2)) {
                    try await !stack.swap.get(slots).text.contains(#""is_processing":true"#)
                })
        }
    }

    @Test("Unloading stops the processes; SIGTERM stops them all and exits 0")
    func stopping() async throws {
        try await Stack.run { (stack: Stack) async throws in
            #expect(try await stack.swap.chat("fast", "hello").status == 200)
            #expect(try await stack.swap.chat("plan", "hello").status == 200)
            #expect(try await stack.swap.post("/api/models/unload/planner", "").text == "OK")
            #expect(try await stack.running() == ["code-fast": "ready"])
            #expect(try await stack.swap.get("/unload").text == "OK")
            #expect(try await stack.running() == [:])
            #expect(try await stack.swap.chat("plan", "hello").status == 200)
            stack.standIn.signal(SIGTERM)
            #expect(await eventually { await stack.standIn.status == 0 })
            #expect(await stack.enginePIDs() == [])
        }
    }

    @Test("SIGKILL leaves the llama-servers running, as it does with llama-swap")
    func orphans() async throws {
        try await Stack.run { (stack: Stack) async throws in
            #expect(try await stack.swap.chat("fast", "hello").status == 200)
            stack.standIn.signal(SIGKILL)
            #expect(await eventually { await stack.standIn.status == -SIGKILL })
            #expect(await stack.enginePIDs().count == 1)
        }
    }
}
