import Cluster
import Node
import Testing
import Wire

struct AgentStateTests {
    static let ini = """
        [code-fast]
        role = fast
        hf_repo = o/fast
        hf_file = fast-Q4_K_M.gguf
        quant = Q4_K_M
        size_gb = 2
        ctx_size = 16384
        [code-smart]
        role = agent
        hf_repo = o/smart
        hf_file = smart.gguf
        hf_repo_next = o/smarter
        hf_file_next = smarter.gguf
        size_gb = 40
        ctx_size = 65536
        sampler = temp=0.5, top_p=0.9
        rope_scaling = yarn(scale=2, orig_ctx=32768)
        [plan]
        role = plan
        hf_repo = o/plan
        hf_file = plan.gguf
        ctx_size = 32768
        [cloud]
        role = ultra
        aws_model_id = anthropic.claude
        aws_model_id_next = anthropic.claude-next

        """

    static func state(_ node: String = "", usesNext: Bool = false) throws -> AgentState {
        AgentState(
            catalog: try .parse(ini + "[NODE]\n" + node, file: "models.ini"), usesNext: usesNext,
            identity: .init(
                id: NodeID("qrstuvwxyz234567"), hostName: "attic",
                cluster: .init(id: ClusterID("abcdefghijklmnop"), name: "workshop", security: .open), version: "0.1.0",
                epoch: 99),
            machine: .init(platform: "linux/x86_64", accelerator: nil, modelMemory: 1 << 34, memory: 1 << 35))
    }

    static func timings(
        _ promptTokens: Int, _ promptMilliseconds: Double, _ decoded: Int, _ decodeMilliseconds: Double, cached: Int = 0
    ) -> ReplyTimings {
        ReplyTimings(
            promptTokens: promptTokens, promptMilliseconds: promptMilliseconds, decodedTokens: decoded,
            decodeMilliseconds: decodeMilliseconds, cachedTokens: cached)
    }

    private static let here = AgentState.Weights(isPresent: true)

    // MARK: The beginning

    @Test func `It begins with what models.ini says, and takes no work yet`() throws {
        let description = try Self.state().description
        #expect(description.name == "attic")
        #expect(description.sequence == 0)
        #expect(description.epoch == 99)
        #expect(description.tiers.map(\.name) == ["code-fast", "code-smart", "plan", "cloud"])
        #expect(description.tiers.map(\.state) == [.stopped, .stopped, .stopped, .absent])
        #expect(description.tiers.map(\.shared) == [false, true, true, false])
        #expect(description.policy.share == ["code-smart", "plan"])
        #expect(description.residentSets == [["code-fast", "code-smart"], ["code-fast", "plan"]])
        #expect(
            description.policy
                == .init(
                    share: ["code-smart", "plan"], accepting: false, reason: "llama-swap has not answered yet"))
        let fast = try #require(description.tiers.first)
        #expect(fast.aliases == ["fast", "small", "autocomplete"])
        #expect(fast.role == "fast")
        #expect(fast.fingerprint.family == "o/fast")
        #expect(fast.fingerprint.file == "fast-Q4_K_M.gguf")
        #expect(fast.fingerprint.quant == "Q4_K_M")
        #expect(fast.fingerprint.contextSize == 16384)
    }

    @Test(arguments: [
        ("", ["code-smart", "plan"]), ("share = all", ["code-fast", "code-smart", "plan"]), ("share = none", []),
        ("share = cloud, plan", ["plan", "cloud"]),
    ])
    func `It lends what [NODE] says`(node: String, shared: [String]) throws {
        let description = try Self.state(node + "\nname = studio").description
        #expect(description.name == "studio")
        #expect(description.sharedTiers == shared)
        #expect(description.policy.share == shared)
    }

    @Test(arguments: [
        (false, "o/smart", "smart.gguf", "anthropic.claude"),
        (true, "o/smarter", "smarter.gguf", "anthropic.claude-next"),
    ])
    func `The fingerprint is that of the channel`(next: Bool, family: String, file: String, cloud: String) throws {
        let tiers = try Self.state(usesNext: next).description.tiers
        #expect(tiers[1].fingerprint.family == family)
        #expect(tiers[1].fingerprint.file == file)
        #expect(tiers[3].fingerprint.family == cloud)
        #expect(tiers[3].backend == .bedrock)
    }

    @Test func `A hosted tier is there as soon as it is known that it can be asked`() throws {
        var state = try Self.state()
        #expect(state.description.tiers[3].state == .absent)
        #expect(state.description.tiers[3].note?.contains("not known yet") == true)
        let name = state.description.tiers[3].name
        state.saw(.unusable("the login has ended"), of: name)
        #expect(state.description.tiers[3].state == .absent)
        #expect(state.description.tiers[3].note == "the login has ended")
        state.saw(.usable, of: name)
        #expect(state.description.tiers[3].state == .ready)
        #expect(state.description.tiers[3].note == nil)
        let sequence = state.description.sequence
        state.saw(.usable, of: name)
        #expect(state.description.sequence == sequence)
    }

    @Test(arguments: [
        ("temp=0.5, top_p=0.9", "temp=0.6, top_p=0.9"), ("rope_scaling = yarn(scale=2", "rope_scaling = yarn(scale=4"),
        ("[code-fast]", "[DEFAULT]\ncache_type_k = f16\n[code-fast]"),
        ("[code-fast]", "[DEFAULT]\njinja = no\n[code-fast]"),
    ])
    func `What changes answers changes the settings' digest`(old: String, new: String) throws {
        func settings(_ ini: String) throws -> String {
            var state = try Self.state()
            state.use(try .parse(ini, file: "models.ini"))
            return try #require(state.description.tiers[1].fingerprint.settings)
        }
        let before = try settings(Self.ini)
        #expect(before.count == 64)
        #expect(try settings(Self.ini) == before)
        #expect(try settings(Self.ini.replacing(old, with: new)) != before)
        #expect(try settings(Self.ini.replacing("ctx_size = 65536", with: "ctx_size = 8192\nttl = 5")) == before)
    }

    // MARK: llama-swap

    private static func script(_ steps: String) throws -> [String] {
        // `T WORD` or `T WORD FAILED-MARK`: at second T llama-swap says WORD of code-smart; the answer is its state.
        var state = try Self.state()
        var seen: [String] = []
        for step in steps.split(separator: ",") {
            let words = step.split(separator: " ")
            let time = Double(words[0]) ?? 0
            switch words[1] {
            case "away": state.llamaSwapIsAway()
            case "tick": state.tick(at: time)
            case let word:
                let one = LlamaSwapReport.State(rawValue: String(word))
                state.saw(states: one.map { ["code-smart": $0] } ?? [:], at: time)
            }
            let tier = state.description.tiers[1]
            seen.append(tier.state.rawValue + (tier.speed.loadSeconds.map { " \($0)" } ?? ""))
        }
        return seen
    }

    @Test(arguments: [
        ("0 none,1 starting,4 ready,9 stopping,10 none", "stopped,loading,ready 3.0,stopping 3.0,stopped 3.0"),
        (
            "0 none,1 starting,11 ready,20 stopping,21 stopped,30 starting,35 ready",
            "stopped,loading,ready 10.0,stopping 10.0,stopped 10.0,loading 10.0,ready 9.0"
        ),
        // A load whose beginning nobody saw says nothing of its length.
        ("0 starting,5 ready", "loading,ready"),
        ("0 none,1 starting,2 away,3 starting,9 ready", "stopped,loading,stopped,loading,ready"),
        ("0 ready", "ready"), ("0 none,5 ready", "stopped,ready"), ("0 ready,1 away,2 ready", "ready,stopped,ready"),
        // A crash of a ready one is no failed load.
        ("0 ready,1 none", "ready,stopped"),
        ("0 none,1 starting,3 none,32 tick,33 tick", "stopped,loading,failed,failed,stopped"),
        ("0 none,1 starting,3 none,4 starting,6 ready", "stopped,loading,failed,loading,ready 2.0"),
        ("0 none,1 starting,3 none,4 away", "stopped,loading,failed,stopped"),
        ("0 none,1 starting,3 stopping,4 none", "stopped,loading,stopping,stopped"),
    ])
    func `A tier's state follows llama-swap, and its loads are timed`(steps: String, states: String) throws {
        #expect(try Self.script(steps).joined(separator: ",") == states)
    }

    @Test func `A failed tier says so and is not placed on`() throws {
        var state = try Self.state()
        state.saw(states: [:], at: 0)
        state.saw(states: ["plan": .starting], at: 1)
        state.saw(states: [:], at: 2)
        let plan = state.description.tiers[2]
        #expect(plan.state == .failed)
        #expect(!plan.state.canServe)
        #expect(plan.note?.contains("ended while loading") == true)
    }

    @Test func `Slots are asked for once a llama-server is ready, and again after each start`() throws {
        var state = try Self.state()
        #expect(state.unaskedTiers == [])
        state.saw(states: ["plan": .starting], at: 0)
        #expect(state.unaskedTiers == [])
        state.saw(states: ["plan": .ready], at: 1)
        #expect(state.unaskedTiers == ["plan"])
        state.saw(.init(count: 4, contextSize: 8192), of: "plan", at: 1)
        #expect(state.unaskedTiers == [])
        #expect(state.description.tiers[2].slots == 4)
        #expect(state.description.tiers[2].fingerprint.contextSize == 8192)
        state.saw(states: ["plan": .ready, "code-fast": .ready], at: 2)
        #expect(state.unaskedTiers == ["code-fast"])
        state.saw(states: [:], at: 3)
        #expect(state.description.tiers[2].slots == 4)
        state.saw(states: ["plan": .starting], at: 4)
        state.saw(states: ["plan": .ready], at: 5)
        #expect(state.unaskedTiers == ["plan"])
    }

    @Test func `What llama-swap runs beside the tiers is nobody's`() throws {
        var state = try Self.state()
        state.saw(states: [:], at: 0)
        let before = state.description
        state.saw(states: ["my-own": .ready, "cloud": .ready], at: 1)
        #expect(state.description == before)
    }

    // MARK: Requests

    @Test(
        arguments: [
            // The first token is there when the clock of decoding starts.
            ([timings(1000, 500, 101, 2000)], 2000.0, 50.0, 0.0),
            ([timings(1000, 500, 101, 2000), timings(1000, 1000, 101, 1000)], 1800, 60, 0),
            ([timings(500, 500, 16, 1000, cached: 1500)], 1000, 15, 0.75),
            // Too few tokens to mean anything.
            ([timings(127, 100, 15, 1000)], nil, nil, 0), ([timings(128, 0, 16, 0)], nil, nil, 0),
            ([timings(1, 9, 1, 0, cached: 0)], nil, nil, nil), ([timings(1, 9, 0, 0, cached: 3)], nil, nil, 0.75),
            ([timings(1000, 500, 1, 0), timings(10, 500, 101, 1000, cached: 90)], 2000, 100, 0.18),
        ] as [([ReplyTimings], Double?, Double?, Double?)])
    func `Speeds are means of what llama-server timed`(
        replies: [ReplyTimings], prefill: Double?, decode: Double?, cache: Double?
    ) throws {
        var state = try Self.state()
        for timings in replies {
            state.served("plan", timings)
        }
        func rounded(_ value: Double?) -> Double? { value.map { ($0 * 1e6).rounded() / 1e6 } }
        let speed = state.description.tiers[2].speed
        #expect(rounded(speed.prefillRate) == prefill)
        #expect(rounded(speed.decodeRate) == decode)
        #expect(rounded(speed.cacheRatio) == cache)
    }

    // MARK: Weights

    private static func weights(_ steps: [(Double, AgentState.Weights)]) throws -> [String] {
        var state = try Self.state()
        return steps.map { time, weights in
            state.saw(weights: ["plan": weights], at: time)
            let plan = state.description.tiers[2]
            return plan.state.rawValue + (plan.downloaded.map { " \($0)" } ?? "")
        }
    }

    private static func part(_ arrived: Int64, of total: Int64 = 1000) -> AgentState.Weights {
        AgentState.Weights(isPresent: false, arrived: arrived, total: total)
    }

    @Test(
        arguments: [
            ([(0, here)], "stopped"), ([(0, part(0))], "absent"),
            // What lies about from an earlier try is no download.
            ([(0, part(500)), (5, part(500))], "absent,absent"),
            (
                [(0, part(0)), (5, part(10)), (10, part(555)), (15, part(1000)), (20, here)],
                "absent,absent 0.01,absent 0.55,absent 0.99,stopped"
            ),
            (
                [(0, part(1)), (5, part(10)), (24, part(10)), (25, part(10)), (30, part(20))],
                "absent,absent 0.01,absent 0.01,absent,absent 0.02"
            ),
            ([(0, part(1, of: 0)), (5, part(10, of: 0))], "absent,absent"),
            ([(0, .init(isPresent: true, unfit: "big"))], "unfit"),
            ([(0, .init(isPresent: false, unfit: "big"))], "absent"),
        ] as [([(Double, AgentState.Weights)], String)])
    func `Weights that are not here or too big are told`(
        steps: [(Double, AgentState.Weights)], states: String
    ) throws {
        #expect(try Self.weights(steps).joined(separator: ",") == states)
    }

    @Test func `What runs has its weights, wherever they are`() throws {
        var state = try Self.state()
        state.saw(weights: ["plan": .init(isPresent: false, unfit: "big")], at: 0)
        #expect(state.description.tiers[2].note?.contains("llmstack download") == true)
        state.saw(states: ["plan": .starting], at: 1)
        #expect(state.description.tiers[2].state == .loading)
        state.saw(states: ["plan": .ready], at: 2)
        #expect(state.description.tiers[2].state == .ready)
        state.saw(states: [:], at: 3)
        #expect(state.description.tiers[2].state == .stopped)
    }

    // MARK: Policy

    @Test(
        arguments: [
            ("", NodeDescription.Power.Source.mains, nil, true, nil),
            ("", .battery, nil, false, "battery"), ("", .unknown, nil, true, nil),
            ("on_battery = serve", .battery, nil, true, nil),
            ("on_battery = serve", .mains, "a rest", false, "a rest"), ("", .battery, "a rest", false, "a rest"),
        ] as [(String, NodeDescription.Power.Source, String?, Bool, String?)])
    func `Work of others is taken unless it is drained or on battery`(
        node: String, source: NodeDescription.Power.Source, drained: String?, accepting: Bool, reason: String?
    ) throws {
        var state = try Self.state(node)
        state.saw(states: [:], at: 0)
        state.saw(power: .init(source: source, level: 0.5))
        state.drain(drained)
        #expect(state.description.policy.accepting == accepting)
        #expect(state.description.policy.reason?.contains(reason ?? "") == (reason == nil ? nil : true))
        #expect(state.description.power == .init(source: source, level: 0.5))
        state.llamaSwapIsAway()
        #expect(!state.description.policy.accepting)
        state.saw(states: [:], at: 1)
        state.saw(power: .init(source: .mains))
        state.drain(nil)
        #expect(state.description.policy.accepting)
    }

    @Test func `Hosted tiers alone are lent without a llama-swap, but not on battery`() throws {
        var state = try Self.state()
        state.llamaSwapIsAway()
        #expect(state.description.policy.reason == "llama-swap does not answer")
        let ini = "[cloud]\naws_model_id = anthropic.claude\n[NODE]\nshare = cloud\n"
        state.use(try .parse(ini, file: "models.ini"))
        #expect(state.description.policy == .init(share: ["cloud"]))
        state.saw(power: .init(source: .battery))
        #expect(!state.description.policy.accepting)
    }

    // MARK: The sequence

    @Test func `The sequence rises when something changed, and only then`() throws {
        var state = try Self.state()
        let inputs: [(inout AgentState) -> Void] = [
            { $0.saw(states: ["plan": .ready], at: 1) }, { $0.saw(.init(count: 2, contextSize: 9), of: "plan", at: 1) },
            { $0.saw(power: .init(source: .battery)) }, { $0.drain("x") }, { $0.llamaSwapIsAway() },
            { $0.saw(weights: ["plan": .init(isPresent: false), "code-smart": .init(isPresent: false)], at: 2) },
            { $0.saw(machine: .init(platform: "p", accelerator: "a", modelMemory: 1, memory: 2)) },
            { $0.use(Catalog()) },
        ]
        for input in inputs {
            let before = state.description
            input(&state)
            #expect(state.description.sequence > before.sequence)
            let after = state.description
            input(&state)
            #expect(state.description == after)
        }
        let before = state.description
        state.served("plan", nil)
        #expect(state.description == before)
    }

    @Test func `Another models.ini changes the tiers and keeps what is known of those that stay`() throws {
        var state = try Self.state()
        state.saw(states: ["plan": .ready, "code-smart": .ready], at: 0)
        state.served("code-smart", Self.timings(1000, 500, 101, 2000))
        state.served("plan", Self.timings(1000, 500, 101, 2000))
        let ticket = state.began("plan")
        let ini = Self.ini.replacing("smart.gguf", with: "smart-v2.gguf").replacing("[code-fast]", with: "[tiny]")
        state.use(try .parse(ini + "[NODE]\nname = new", file: "models.ini"))
        let tiers = state.description.tiers
        #expect(state.description.name == "new")
        #expect(tiers.map(\.name) == ["tiny", "code-smart", "plan", "cloud"])
        #expect(tiers.map(\.state) == [.stopped, .ready, .ready, .absent])
        #expect(tiers[1].speed == TierSpeed())
        #expect(tiers[2].speed.decodeRate == 50)
        #expect(tiers[2].busy == 1)
        state.leave(ticket, nil, at: 1)
        #expect(state.description.tiers[2].busy == 0)
    }

    @Test func `A sequence of changes tells a peer all there is`() throws {
        var state = try Self.state()
        state.saw(states: [:], at: 0)
        var peer = state.description
        let inputs: [(inout AgentState) -> Void] = [
            { $0.saw(states: ["plan": .starting], at: 1) }, { $0.saw(states: ["plan": .ready], at: 2) },
            { _ = $0.began("plan") }, { $0.served("plan", Self.timings(1000, 500, 101, 2000)) },
            { for _ in 0..<3 { _ = $0.began("plan") } }, { $0.tick(at: 9) }, { $0.drain("x") },
            { $0.saw(power: .init(source: .battery)) }, { $0.llamaSwapIsAway() },
        ]
        for input in inputs {
            let before = state.description
            input(&state)
            peer.apply(try #require(state.description.change(since: before)))
            #expect(peer == state.description)
        }
    }
}
