import Cluster
import Logging
import Node
import RouterHarness
import Synchronization
import Testing
import Wire

/// The agent lets requests in; ``TierAdmission``'s own decisions have tests of their own.
@Suite(.timeLimit(.minutes(4)))
struct AgentAdmissionTests {
    private static func request(_ id: String) -> AdmissionRequest { AdmissionRequest(id: id, promptTokens: 1000) }

    private static func plan(_ state: AgentState) -> TierReport { state.description.tiers[2] }

    // MARK: The state

    @Test func `Requests in hand are counted, those that no slot works on as queued`() throws {
        var state = try AgentStateTests.state()
        let tickets = (0..<4).map { state.enter("plan", Self.request("r\($0)"), at: 0) }
        #expect(Self.plan(state).busy == 4)
        #expect(Self.plan(state).queued == 3)
        #expect(Self.plan(state).waiting.map(\.request) == ["r2", "r3"])
        state.saw(.init(count: 2, contextSize: nil), of: "plan", at: 1)
        #expect(Self.plan(state).queued == 2)
        #expect(Self.plan(state).waiting.map(\.request) == ["r3"])
        for ticket in tickets + tickets { state.leave(ticket, nil, at: 2) }
        #expect(Self.plan(state).busy == 0)
        #expect(Self.plan(state).queued == 0)
        #expect(Self.plan(state).waiting == [])
    }

    @Test(arguments: ["my-own", "cloud", "auto", ""])
    func `What is no local tier lets everything in, and changes nothing`(name: String) throws {
        var state = try AgentStateTests.state()
        let before = state.description
        let tickets = (0..<100).map { _ in state.enter(name, Self.request("r"), at: 0) }
        #expect(state.takeNews() == tickets.map { AdmissionNews($0, .admitted) })
        for ticket in tickets { state.leave(ticket, AgentStateTests.timings(1000, 1000, 100, 1000), at: 9) }
        #expect(state.description == before)
        #expect(Set(tickets).count == 100)
    }

    @Test func `Each tier has a line of its own`() throws {
        var state = try AgentStateTests.state()
        for tier in ["plan", "code-smart", "plan", "code-smart"] { _ = state.enter(tier, Self.request("r"), at: 0) }
        #expect(state.takeNews().allSatisfy { $0.answer == .admitted })
        #expect(state.description.tiers.map(\.busy) == [0, 2, 2, 0])
    }

    @Test func `Who waits is told by how fast the tier was, and what it is doing`() throws {
        var state = try AgentStateTests.state()
        state.saw(states: [:], at: 0)
        state.saw(states: ["plan": .starting], at: 10)
        state.saw(states: ["plan": .ready], at: 40)
        state.leave(
            state.enter("plan", Self.request("r"), at: 40), AgentStateTests.timings(1000, 1000, 257, 12_800), at: 41)
        for id in ["a", "b", "c"] { _ = state.enter("plan", Self.request(id), at: 41) }
        // 1000 tokens at 1000 a second, 256 at 20: 13.8 s.
        #expect(Self.plan(state).waiting == [.init(request: "c", seconds: 27.6)])
        state.tick(at: 43)
        #expect(Self.plan(state).waiting == [.init(request: "c", seconds: 25.6)])
        state.saw(states: ["plan": .stopping], at: 44)
        // It loads again for 30 s, and begins anew.
        #expect(Self.plan(state).waiting == [.init(request: "c", seconds: 57.6)])
        state.saw(states: ["plan": .starting], at: 45)
        #expect(Self.plan(state).loadRemaining == 30)
        state.tick(at: 55)
        #expect(Self.plan(state).waiting == [.init(request: "c", seconds: 47.6)])
        #expect(Self.plan(state).loadRemaining == 20)
        state.llamaSwapIsAway()
        #expect(Self.plan(state).loadRemaining == nil)
    }

    @Test func `The rest of a load changes once a second, and is not told where nobody knows`() throws {
        var state = try AgentStateTests.state()
        state.saw(states: [:], at: 0)
        state.saw(states: ["plan": .starting], at: 1)
        #expect(Self.plan(state).loadRemaining == nil)
        let unknown = state.description
        state.tick(at: 2)
        #expect(state.description == unknown)
        state.saw(states: ["plan": .ready], at: 5)
        state.saw(states: [:], at: 6)
        state.saw(states: ["plan": .starting], at: 7)
        #expect(Self.plan(state).loadRemaining == 4)
        let sequence = state.description.sequence
        for tenth in 1...10 { state.tick(at: 7 + Double(tenth) / 10) }
        #expect(Self.plan(state).loadRemaining == 3)
        #expect(state.description.sequence == sequence + 1)
        // Longer than expected: something remains, and the more the later it is.
        state.tick(at: 11)
        #expect(Self.plan(state).loadRemaining == 1)
        state.tick(at: 100)
        #expect(Self.plan(state).loadRemaining == 89)
    }

    @Test(
        "A load has failed that takes longer than three times the usual, two minutes at least and fifteen at most",
        arguments: [(nil, 900), (1.0, 120), (50, 150), (400, 900)])
    func overdue(_ usual: Double?, _ deadline: Double) throws {
        var state = try AgentStateTests.state()
        state.saw(states: [:], at: 0)
        if let usual {
            state.saw(states: ["plan": .starting], at: 1)
            state.saw(states: ["plan": .ready], at: 1 + usual)
            state.saw(states: [:], at: 1000)
        }
        state.saw(states: ["plan": .starting], at: 2000)
        state.tick(at: 2000 + deadline)
        #expect(Self.plan(state).state == .loading)
        state.tick(at: 2001 + deadline)
        #expect(Self.plan(state).state == .failed)
        #expect(Self.plan(state).note == "its load takes more than \(Int(deadline)) s; its log may say why")
        // It comes to its end after all.
        state.saw(states: ["plan": .ready], at: 3500)
        #expect(Self.plan(state).state == .ready)
        #expect(Self.plan(state).note == nil)
    }

    @Test func `Patience ends with the tick`() throws {
        var state = try AgentStateTests.state()
        let tickets = ["a", "b", "c", "d"].map { state.enter("plan", Self.request($0), at: $0 == "d" ? 100 : 0) }
        _ = state.takeNews()
        state.tick(at: TierAdmission.patience - 0.1)
        #expect(state.takeNews() == [])
        state.tick(at: TierAdmission.patience)
        let news = state.takeNews()
        #expect(news.map(\.ticket) == [tickets[2], tickets[3]])
        guard case .refused(let refusal) = news.first?.answer else {
            Issue.record("\(news)")
            return
        }
        #expect(refusal.reason == .tooLate && refusal.tier == "plan")
        #expect(Self.plan(state).waiting.map(\.request) == ["d"])
        #expect(Self.plan(state).busy == 3)
    }

    @Test func `Another models.ini keeps those who are in and those who wait`() throws {
        var state = try AgentStateTests.state()
        state.saw(.init(count: 3, contextSize: nil), of: "plan", at: 0)
        let tickets = (0..<6).map { state.enter("plan", Self.request("r\($0)"), at: 0) }
        let gone = (0..<3).map { state.enter("code-fast", Self.request("f\($0)"), at: 0) }
        _ = state.takeNews()
        let ini = AgentStateTests.ini.replacing("plan.gguf", with: "plan-v2.gguf").replacing("[code-fast]", with: "[x]")
        state.use(try .parse(ini, file: "models.ini"))
        #expect(Self.plan(state).busy == 6)
        // Other weights: their llama-server is yet to say how many slots it has.
        #expect(Self.plan(state).slots == 1)
        #expect(state.takeNews() == [])
        for ticket in tickets.prefix(2) { state.leave(ticket, nil, at: 1) }
        #expect(state.takeNews() == [])
        state.leave(tickets[2], nil, at: 1)
        #expect(state.takeNews().first == AdmissionNews(tickets[4], .admitted))
        // A tier that has gone serves those whom it has.
        state.leave(gone[0], nil, at: 1)
        #expect(state.takeNews() == [AdmissionNews(gone[2], .admitted)])
        for ticket in gone.dropFirst() { state.leave(ticket, nil, at: 1) }
        for ticket in tickets { state.leave(ticket, nil, at: 1) }
        #expect(Self.plan(state).busy == 0)
    }

    // MARK: The agent

    private static func withSlots(_ slots: Int, _ body: (NodeAgent, Newest) async throws -> Void) async throws {
        let engine = try ScriptedUpstream { socket, _ in
            let props = "{\"total_slots\":\(slots)}"
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(props.utf8.count)\r\n\r\n\(props)")
            return .keepOpen
        }
        let swap = try ScriptedLlamaSwap()
        try await AgentTests.withAgent(port: swap.port) { agent, newest in
            #expect(await newest.wait { $0.policy.accepting } != nil)
            swap.say(["plan": "ready"], addresses: ["plan": "http://127.0.0.1:\(engine.port)"])
            #expect(await newest.wait { $0.tiers[2].slots == slots } != nil)
            try await body(agent, newest)
        }
    }

    /// What all visitors together saw.
    private final class Tally: Sendable {
        struct Counts {
            var inFlight = 0
            var most = 0
            var served = 0
            var refused = 0
        }

        private let mutex = Mutex(Counts())

        var counts: Counts { mutex.withLock { $0 } }

        func count(_ body: (inout Counts) -> Void) { mutex.withLock { body(&$0) } }
    }

    /// Asks until it is let in, and leaves.
    private static func visit(_ agent: NodeAgent, _ id: String, _ tally: Tally) async {
        while true {
            let (answers, told) = AsyncStream.makeStream(of: AdmissionAnswer.self)
            let ticket = agent.enter("plan", request(id)) { told.yield($0) }
            var positions: [Int] = []
            for await answer in answers {
                switch answer {
                case .queued(let position, _):
                    #expect(positions.last.map { position < $0 } ?? true, "\(id): \(positions), \(position)")
                    positions.append(position)
                    continue
                case .admitted:
                    tally.count {
                        $0.inFlight += 1
                        $0.most = max($0.most, $0.inFlight)
                    }
                    await Task.yield()
                    tally.count {
                        $0.inFlight -= 1
                        $0.served += 1
                    }
                    agent.leave(ticket, nil)
                    return
                case .refused(let refusal):
                    #expect(refusal.reason == .queueFull && refusal.waiting == TierAdmission.queueLimit)
                    tally.count { $0.refused += 1 }
                }
                break
            }
            await Task.yield()
        }
    }

    @Test(arguments: [1, 3])
    func `Of a flood from many threads no more than slots and one are in at once, and all are served`(
        slots: Int
    ) async throws {
        try await Self.withSlots(slots) { agent, _ in
            let tally = Tally()
            let following = Task {
                var seen = 0
                for await description in agent.descriptions() {
                    let plan = description.tiers[2]
                    seen += 1
                    let inFlight = plan.busy - plan.waiting.count
                    #expect(plan.slots == slots && (0...slots + 1).contains(inFlight))
                    #expect(plan.queued == plan.waiting.count + max(0, inFlight - slots))
                    #expect(plan.waiting.count <= TierAdmission.queueLimit)
                    #expect(plan.waiting.isEmpty || inFlight == slots + 1)
                }
                return seen
            }
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<200 { group.addTask { await Self.visit(agent, "r\(number)", tally) } }
            }
            let counts = tally.counts
            #expect(counts.most <= slots + TierAdmission.extraInFlight)
            #expect(counts.served == 200)
            let plan = agent.description.tiers[2]
            #expect(plan.busy == 0 && plan.queued == 0 && plan.waiting == [])
            // Each that entered and each that left is a change; whoever was refused changed nothing.
            #expect(agent.description.sequence >= 400, "\(counts.refused) were refused")
            following.cancel()
            #expect(await following.value > 0)
        }
    }

    @Test func `Who gives up while it waits hears nothing more, and those behind move up`() async throws {
        let scratch = try AgentTests.scratch()
        let agent = try AgentTests.agent(scratch, port: 1)
        let told = Mutex<[String]>([])
        func enter(_ name: String) -> AdmissionTicket {
            agent.enter("plan", Self.request(name)) { answer in
                let word =
                    switch answer {
                    case .admitted: "in"
                    case .queued(let position, _): "\(position)"
                    case .refused: "refused"
                    }
                told.withLock { $0.append("\(name) \(word)") }
            }
        }
        let tickets = ["a", "b", "c", "d"].map(enter)
        #expect(told.withLock { $0 } == ["a in", "b in", "c 0", "d 1"])
        agent.leave(tickets[2], nil)
        #expect(agent.description.tiers[2].waiting.map(\.request) == ["d"])
        agent.leave(tickets[0], nil)
        agent.leave(tickets[1], nil)
        #expect(told.withLock { $0 } == ["a in", "b in", "c 0", "d 1", "d 0", "d in"])
        agent.leave(tickets[3], nil)
        #expect(agent.description.tiers[2].busy == 0)
    }

    /// A router that hears that its request may go, and finds that its client has left.
    @Test func `Who is told may call the agent at once`() async throws {
        let scratch = try AgentTests.scratch()
        let agent = try AgentTests.agent(scratch, port: 1)
        let tickets = Mutex<[AdmissionTicket]>([])
        let admitted = Mutex(0)
        for _ in 0..<20 {
            let ticket = agent.enter("plan", AgentTests.request) { answer in
                guard answer == .admitted else { return }
                admitted.withLock { $0 += 1 }
                // It must neither deadlock nor go deeper with each.
                if let next = tickets.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { agent.leave(next, nil) }
            }
            tickets.withLock { $0.append(ticket) }
        }
        let first = try #require(tickets.withLock { $0.isEmpty ? nil : $0.removeFirst() })
        agent.leave(first, nil)
        #expect(admitted.withLock { $0 } == 20)
    }
}
