import Cluster
import Logging
import Node
import RouterHarness
import Synchronization
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct AgentTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static let request = AdmissionRequest(id: "r", promptTokens: 100)

    /// Weights for all tiers are here.
    static func scratch() throws -> Scratch {
        let scratch = try Scratch()
        for (repo, file) in [("fast", "fast-Q4_K_M"), ("smart", "smart"), ("plan", "plan")] {
            try scratch.put("weights", "hub/models--o--\(repo)/snapshots/1/\(file).gguf")
        }
        return scratch
    }

    static func agent(_ scratch: Scratch, port: Int) throws -> NodeAgent {
        NodeAgent(
            identity: try AgentStateTests.state().identity,
            catalog: try .parse(AgentStateTests.ini.replacing("size_gb = 40", with: ""), file: "models.ini"),
            usesNext: false, llamaSwap: Endpoint(host: "127.0.0.1", port: port),
            environment: ["HF_HUB_CACHE": "\(scratch.path)/hub", "HOME": scratch.path], sysRoot: scratch.path,
            log: silent)
    }

    /// Runs an agent for as long as `body` does.
    static func withAgent(
        port: Int, _ body: (NodeAgent, Newest) async throws -> Void
    ) async throws {
        let scratch = try scratch()
        let agent = try agent(scratch, port: port)
        let running = Task { try await agent.run() }
        let newest = Newest(agent)
        do {
            try await body(agent, newest)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        _ = await running.result
        withExtendedLifetime(scratch) {}
    }

    private static func state(_ name: String, _ description: NodeDescription) -> TierState? {
        description.tiers.first { $0.name == name }?.state
    }

    /// A task that is cancelled holds a lock of its own, which whoever wakes it needs: it may wait for no other.
    @Test func `Subscribers that leave while something changes hold nobody up`() async throws {
        let scratch = try Self.scratch()
        let agent = try Self.agent(scratch, port: 1)
        let isUnderWay = Atomic<Bool>(false)
        let isOver = Atomic<Bool>(false)
        // On a thread of its own: other tests need those of the pool.
        async let changes = onThread {
            var count = 0
            while !isOver.load(ordering: .relaxed) {
                agent.drain(count.isMultiple(of: 2) ? "for the test" : nil)
                count += 1
                isUnderWay.store(true, ordering: .relaxed)
            }
            return count
        }
        #expect(await eventually { isUnderWay.load(ordering: .relaxed) })
        for _ in 0..<300 {
            let reader = Task.detached { for await _ in agent.descriptions() {} }
            await Task.yield()
            reader.cancel()
            await reader.value
        }
        isOver.store(true, ordering: .relaxed)
        #expect(try await changes > 0)
        withExtendedLifetime(scratch) {}
    }

    @Test func `Each change reaches a subscriber, and nothing is asked that would load a model`()
        async throws
    {
        let engine = try ScriptedUpstream { socket, _ in
            let body = #"{"total_slots":3,"default_generation_settings":{"n_ctx":4096}}"#
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            return .keepOpen
        }
        let swap = try ScriptedLlamaSwap()
        try await Self.withAgent(port: swap.port) { agent, newest in
            #expect(await newest.wait { $0.policy.accepting } != nil)
            for round in 0..<20 {
                for state in ["starting", "ready", "stopping", "stopped"] {
                    swap.say(["plan": state], addresses: ["plan": "http://localhost:\(engine.port)"])
                    let wanted: TierState = state == "starting" ? .loading : TierState(rawValue: state) ?? .unknown
                    #expect(await newest.wait { Self.state("plan", $0) == wanted } != nil, "\(round) \(state)")
                }
            }
            swap.say(["plan": "ready"], addresses: ["plan": "http://localhost:\(engine.port)"])
            #expect(await newest.wait { $0.tiers[2].slots == 3 && $0.tiers[2].fingerprint.contextSize == 4096 } != nil)
            #expect(agent.description.tiers[2].speed.loadSeconds != nil)
        }
        #expect(Set(swap.paths).isSubset(of: ["GET /api/events", "GET /running"]))
        #expect(Set(engine.requests.map { "\($0.method) \($0.target)" }) == ["GET /props"])
    }

    @Test(arguments: ["http://192.0.2.7:80", "https://localhost:1", "", "http://plan.example:80"])
    func `Only a llama-server of this host is asked for its slots`(address: String) async throws {
        let swap = try ScriptedLlamaSwap()
        try await Self.withAgent(port: swap.port) { agent, newest in
            #expect(await newest.wait { $0.policy.accepting } != nil)
            swap.say(["plan": "ready"], addresses: ["plan": address])
            #expect(await newest.wait { Self.state("plan", $0) == .ready } != nil)
            let asked = await eventually { swap.paths.contains("GET /running") }
            #expect(asked)
            #expect(agent.description.tiers[2].slots == 1)
        }
    }

    @Test func `Lines of llama-swap's log make nobody ask it anything`() async throws {
        let swap = try ScriptedLlamaSwap()
        try await Self.withAgent(port: swap.port) { agent, newest in
            #expect(await newest.wait { $0.policy.accepting } != nil)
            let before = swap.paths.count
            for number in 0..<500 { swap.log("Request number \(number)") }
            // The stream is in order: when this has come, the lines have.
            swap.say(["plan": "stopping"])
            #expect(await newest.wait { Self.state("plan", $0) == .stopping } != nil)
            #expect(swap.paths.count == before)
        }
    }

    @Test func `When llama-swap goes everything is stopped, and when it comes back it is found`() async throws {
        let swap = try ScriptedLlamaSwap()
        try await Self.withAgent(port: swap.port) { agent, newest in
            for _ in 0..<3 {
                swap.say(["plan": "ready", "code-fast": "starting"])
                let isBack = await newest.wait {
                    Self.state("plan", $0) == .ready && Self.state("code-fast", $0) == .loading && $0.policy.accepting
                }
                #expect(isBack != nil)
                swap.say([:])
                #expect(await newest.wait { Self.state("plan", $0) == .stopped } != nil)
                swap.say(["plan": "ready"])
                #expect(await newest.wait { Self.state("plan", $0) == .ready } != nil)
                swap.drop()
                let isGone = await newest.wait { Self.state("plan", $0) == .stopped && !$0.policy.accepting }
                #expect(isGone != nil)
                #expect(await eventually { swap.followerCount == 1 })
            }
        }
    }

    @Test func `Where nothing listens the node says why it takes no work`() async throws {
        try await Self.withAgent(port: 1) { agent, newest in
            let said = await newest.wait { $0.policy.reason == "llama-swap does not answer" }
            #expect(said != nil)
            #expect(!agent.description.policy.accepting)
        }
    }

    @Test func `A llama-swap without events is asked what runs`() async throws {
        let swap = try ScriptedLlamaSwap()
        swap.hideEvents()
        swap.say(["plan": "ready"])
        try await Self.withAgent(port: swap.port) { agent, newest in
            let isSeen = await newest.wait { Self.state("plan", $0) == .ready && $0.policy.accepting }
            #expect(isSeen != nil)
        }
    }

    @Test func `A subscriber has the description at once, then the newest, and never an older one`() async throws {
        let scratch = try Self.scratch()
        let agent = try Self.agent(scratch, port: 1)
        var subscription = agent.descriptions().makeAsyncIterator()
        #expect(await subscription.next() == agent.description)
        for _ in 0..<100 { _ = agent.enter("plan", Self.request) { _ in } }
        // What requests change is told by the running agent, from time to time; everything else at once.
        agent.drain("a nap")
        let newest = try #require(await subscription.next())
        #expect(newest.tiers[2].busy == 2 + TierAdmission.queueLimit)
        agent.drain("a rest")
        let drained = try #require(await subscription.next())
        #expect(drained.policy == .init(share: ["code-smart", "plan"], accepting: false, reason: "a rest"))
        #expect(drained.sequence == newest.sequence + 1)
        agent.use(Catalog())
        #expect(await subscription.next()?.tiers == [])
    }

    @Test func `A stopped agent takes no work and leaves llama-swap`() async throws {
        let swap = try ScriptedLlamaSwap()
        try await Self.withAgent(port: swap.port) { agent, newest in
            #expect(await newest.wait { $0.policy.accepting } != nil)
        }
        let scratch = try Self.scratch()
        let agent = try Self.agent(scratch, port: swap.port)
        let running = Task { try await agent.run() }
        #expect(await Newest(agent).wait { $0.policy.accepting } != nil)
        running.cancel()
        try await running.value
        #expect(agent.description.policy.reason == "its router is stopping")
    }

    // MARK: Weights

    @Test func `Weights are looked for where llama.cpp keeps them, and held against the memory`() throws {
        let scratch = try Scratch()
        let environment = ["HF_HUB_CACHE": "\(scratch.path)/hub", "HOME": scratch.path]
        let catalog = try Catalog.parse(AgentStateTests.ini, file: "models.ini")
        var survey = WeightsSurvey(
            environment: environment, limit: MemoryLimit(bytes: 24e9, kind: .graphics))
        var seen = survey.look(catalog, usesNext: false)
        #expect(seen.keys.sorted() == ["code-fast", "code-smart", "plan"])
        #expect(seen["code-fast"] == .init(isPresent: false, total: 2_000_000_000))
        #expect(seen["code-smart"]?.isPresent == false)
        let reason = try #require(seen["code-smart"]?.unfit)
        #expect(reason.contains("with the cache of 65536 tokens"))
        #expect(reason.contains("the graphics memory is 24.0 GB"))
        // Nobody knows how big it is.
        #expect(seen["plan"] == .init(isPresent: false))

        try scratch.put("some", "hub/models--o--plan/blobs/abc.incomplete")
        try scratch.put("weights", "hub/models--o--fast/snapshots/1/fast-Q4_K_M.gguf")
        seen = survey.look(catalog, usesNext: false)
        #expect(seen["plan"] == .init(isPresent: false, arrived: 4))
        #expect(seen["code-fast"]?.isPresent == true)
        #expect(seen["code-fast"]?.unfit == nil)

        var unified = WeightsSurvey(
            environment: environment, limit: .apple(memory: 64 << 30, wiredLimit: 0))
        #expect(unified.look(catalog, usesNext: false)["code-smart"]?.unfit == nil)
        var small = WeightsSurvey(environment: environment, limit: .apple(memory: 48 << 30, wiredLimit: 0))
        let raise = try #require(small.look(catalog, usesNext: false)["code-smart"]?.unfit)
        #expect(raise.contains("it needs"))
        var unexamined = WeightsSurvey(environment: environment, limit: nil)
        #expect(unexamined.look(catalog, usesNext: false)["code-smart"]?.unfit == nil)
    }
}

/// Waits until a condition holds, and says whether it did before the time was up.
private func eventually(within limit: Duration = .seconds(20), _ condition: () -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if condition() { return true }
        // Between two looks at the condition; nothing depends on its length.
        try? await Task.sleep(for: .milliseconds(5))
    }
    return false
}
