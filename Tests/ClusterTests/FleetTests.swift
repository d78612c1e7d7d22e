import Cluster
import Testing

struct FleetTests {
    private static func place(
        _ fleet: Fleet, _ prompt: Int = 1000, output: Int? = nil, own: Bool = true, seed: UInt64 = 0
    )
        -> String
    {
        fleet.place(Workload(tier: "plan", promptTokens: prompt, outputLimit: output, isOwn: own, seed: seed), at: 0)
            .text
    }

    @Test(
        "A host is asked only where it can serve",
        arguments: [
            ("box up plan", "box"), ("box down plan", "- box: down (it was heard again)"),
            ("box draining plan", "- box: takes no work of others: draining"), ("box* draining plan", "box"),
            ("box up plan private", "- box: does not lend it"), ("box* up plan private", "box"),
            ("box up plan absent", "- box: absent"), ("box* up plan absent", "- box: absent"),
            ("box up plan unfit", "- box: unfit"), ("box up plan failed", "box"),
            ("box up plan failed\nden up plan 9/1", "den"),
            ("box up plan stopped", "box"), ("box up plan loading", "box"), ("box up plan stopping", "box"),
            ("box up code-fast", "- no node serves it"),
            ("box suspect plan\nden up plan 9/1", "den"), ("box suspect plan\nden down plan", "box"),
            ("box up plan ctx=500\nden up plan ctx=2000 prefill=10", "den"),
        ])
    func filter(_ hosts: String, _ expected: String) {
        #expect(Self.place(FleetScript(hosts).fleet) == expected)
    }

    @Test(
        "Who is not this host's own gets what is lent",
        arguments: [
            ("box* draining plan", "- box: takes no work of others: draining"),
            ("box* up plan private", "- box: does not lend it"),
        ])
    func others(_ hosts: String, _ expected: String) {
        #expect(Self.place(FleetScript(hosts).fleet, own: false) == expected)
    }

    @Test(
        "The least expected seconds win",
        arguments: [
            // A slow host that has the model; a fast one that must load it first.
            ("box up plan prefill=100\nden up plan stopped prefill=1000 load=5", 100, "box"),
            ("box up plan prefill=100\nden up plan stopped prefill=1000 load=5", 2000, "den"),
            // A queue.
            ("box up plan 2/1\nden up plan prefill=500", 1000, "den"),
            ("box up plan 1/4\nden up plan prefill=500", 1000, "box"),
            // The rest of a load.
            ("box up plan loading rest=1\nden up plan stopped", 10, "box"),
            ("box up plan loading load=60\nden up plan stopped load=10", 10, "den"),
            // What a load drives out.
            ("box up plan stopped load=10; code-smart ready load=60\nden up plan stopped load=15", 10, "den"),
            ("box up plan stopped load=10; code-smart stopped load=60\nden up plan stopped load=15", 10, "box"),
            // A battery.
            ("box battery plan\nden up plan prefill=600", 1000, "den"),
            ("box battery plan\nden up plan prefill=100", 1000, "box"),
            // The same everywhere: the router's own.
            ("box up plan\nden* up plan", 1000, "den"),
        ])
    func choice(_ hosts: String, _ prompt: Int, _ expected: String) {
        #expect(Self.place(FleetScript(hosts).fleet, prompt) == expected)
    }

    @Test func `What costs the same is spread, and the same request goes the same way`() {
        let fleet = FleetScript("box up plan\nden up plan\nstudio up plan").fleet
        let choices = (0..<300).map { Self.place(fleet, seed: UInt64($0)) }
        #expect(choices == (0..<300).map { Self.place(fleet, seed: UInt64($0)) })
        for name in ["box", "den", "studio"] {
            let count = choices.count { $0 == name }
            #expect((60...140).contains(count), "\(name) \(count)")
        }
    }

    @Test func `The router's own requests count before the host has told of them`() {
        var fleet = FleetScript("box up plan\nden up plan prefill=500").fleet
        #expect(Self.place(fleet) == "box")
        fleet.sent("plan", to: NodeID("box00000000"))
        #expect(Self.place(fleet) == "den")
        // Its report has the request in it: that is no second one.
        fleet.set(Host(line: "box up plan 1/2"))
        #expect(Self.place(fleet) == "box")
        _ = fleet.ended("plan", on: NodeID("box00000000"), .served(nil), at: 1)
        #expect(fleet.verdicts(Workload(tier: "plan", promptTokens: 1), at: 1)[0].inHand == 0)
    }

    @Test func `Room for the reply is preferred, room for the prompt is needed unless the tier was named`() {
        let fleet = FleetScript("box up plan ctx=1100\nden up plan ctx=4000 prefill=100").fleet
        #expect(Self.place(fleet, 1000, output: 50) == "box")
        #expect(Self.place(fleet, 1000, output: 500) == "den")
        #expect(Self.place(fleet, 1000, output: 50_000) == "box")
        #expect(Self.place(fleet, 5000) == "den")
        let flexible = Workload(tier: "plan", promptTokens: 5000, isFlexible: true)
        #expect(fleet.place(flexible, at: 0).text == "- box: has room for 1100 tokens; den: has room for 4000 tokens")
    }

    @Test(
        "Another model under the same name is asked only where [NODE] match allows",
        arguments: [(NodeSection.Match.name, "den"), (.family, "box"), (.exact, "box")])
    func match(_ match: NodeSection.Match, _ expected: String) {
        let script = FleetScript("box* up plan family=a prefill=10\nden up plan family=b", match: match)
        #expect(Self.place(script.fleet) == expected)
    }

    @Test func `Three failures in a row put a tier out, but never the last`() {
        var fleet = FleetScript("box up plan\nden up plan prefill=100").fleet
        let box = NodeID("box00000000")
        let den = NodeID("den00000000")
        let first = [fleet.ended("plan", on: box, .failed, at: 0), fleet.ended("plan", on: box, .failed, at: 0)]
        #expect(first == [false, false])
        #expect(Self.place(fleet) == "box")
        let third = fleet.ended("plan", on: box, .failed, at: 0)
        #expect(third)
        #expect(Self.place(fleet) == "den")
        for _ in 0..<3 { _ = fleet.ended("plan", on: den, .failed, at: 0) }
        #expect(Self.place(fleet) == "box")
        // A restart of its router begins anew.
        fleet.remove(den)
        fleet.set(Host(line: "den up plan prefill=100"))
        #expect(Self.place(fleet) == "den")
        #expect(fleet.place(Workload(tier: "plan", promptTokens: 1000), at: 31).text == "box")
    }

    @Test(
        "Who is back gets a part of its slots, which grows for half a minute",
        arguments: [(1.0, 1), (10, 1), (16, 2), (29, 3), (31, 4), (1000, 4)])
    func slowStart(_ seconds: Double, _ share: Int) {
        var fleet = FleetScript("box down plan 0/4\nden up plan prefill=100 0/64").fleet
        fleet.set(Host(line: "box suspect plan 0/4"), at: 100)
        fleet.set(Host(line: "box up plan 0/4"), at: 101)
        var placed: [String] = []
        for _ in 0..<6 {
            let decision = fleet.place(Workload(tier: "plan", promptTokens: 100), at: 100 + seconds)
            guard case .host(let verdict) = decision else { continue }
            placed.append(verdict.name)
            fleet.sent("plan", to: verdict.id)
        }
        #expect(placed.count { $0 == "box" } == share)
    }

    @Test func `A tier that was out starts slowly, and what nobody waits for is not foretold`() {
        var fleet = FleetScript("box up plan 1/4\nden up plan prefill=1").fleet
        for _ in 0..<3 { _ = fleet.ended("plan", on: NodeID("box00000000"), .failed, at: 0) }
        func cost(at now: Double) -> Cost? {
            fleet.verdicts(Workload(tier: "plan", promptTokens: 1000), at: now).first { $0.name == "box" }?.cost
        }
        #expect((cost(at: 31)?.queue ?? 0) > 1)
        #expect(abs((cost(at: 31)?.firstToken ?? 0) - (cost(at: 61)?.firstToken ?? .infinity)) < 1e-9)
        #expect(cost(at: 61)?.queue == 0)
    }

    @Test func `The last host that has room is not out because it failed`() {
        var fleet = FleetScript("box up plan ctx=64000\nden up plan ctx=4000").fleet
        for _ in 0..<3 { _ = fleet.ended("plan", on: NodeID("box00000000"), .failed, at: 0) }
        #expect(fleet.place(Workload(tier: "plan", promptTokens: 100, isFlexible: true), at: 1).text == "den")
        #expect(fleet.place(Workload(tier: "plan", promptTokens: 9000, isFlexible: true), at: 1).text == "box")
    }

    @Test func `A host that starts anew is as fast as it was, whatever it has told by then`() {
        var fleet = FleetScript("box up plan load=4 prefill=70 decode=7").fleet
        func cost() -> Cost {
            fleet.verdicts(Workload(tier: "plan", promptTokens: 700, outputLimit: 70), at: 0)[0].cost
        }
        var new = Host(line: "box up plan stopped")
        (new.epoch, new.tiers[0].speed) = (2, TierSpeed())
        fleet.set(new)
        #expect([cost().load, cost().prefill, cost().decode] == [4, 10, 10])
        new.tiers[0].speed.loadSeconds = 5
        fleet.set(new)
        fleet.remove(new.id)
        new.tiers[0].speed = TierSpeed(decodeRate: 14)
        fleet.set(new)
        #expect([cost().load, cost().prefill, cost().decode] == [5, 10, 5])
    }

    @Test func `A host that failed at a request is not asked again for it`() {
        let fleet = FleetScript("box up plan\nden up plan prefill=100").fleet
        let work = Workload(tier: "plan", promptTokens: 1000)
        #expect(fleet.place(work, except: [NodeID("box00000000")], at: 0).text == "den")
        #expect(
            fleet.place(work, except: [NodeID("box00000000"), NodeID("den00000000")], at: 0).text
                == "- box: failed at this request; den: failed at this request")
    }

    @Test func `What a host served that has gone is remembered, and its rates when it comes back`() {
        var fleet = FleetScript("box up plan prefill=77").fleet
        fleet.remove(NodeID("box00000000"))
        #expect(Self.place(fleet) == "- box, which served it, has left")
        #expect(fleet.tier(named: "plan") == "plan")
        #expect(fleet.tier(named: "other") == nil)
        var back = Host(line: "box up plan")
        back.tiers[0].speed = TierSpeed()
        fleet.set(back)
        let cost = fleet.verdicts(Workload(tier: "plan", promptTokens: 770), at: 0)[0].cost
        #expect(abs(cost.prefill - 10) < 1e-9)
    }

    @Test func `Rates from before this router started count until the host has its own`() {
        var fleet = Fleet()
        fleet.remember(
            TierSpeed(loadSeconds: 3, prefillRate: 10, decodeRate: 5), of: "plan", on: NodeID("box00000000"),
            called: "box")
        #expect(fleet.tier(named: "plan") == "plan")
        var host = Host(line: "box up plan stopped")
        host.tiers[0].speed = TierSpeed(prefillRate: 20)
        fleet.set(host)
        let cost = fleet.verdicts(Workload(tier: "plan", promptTokens: 100, outputLimit: 10), at: 0)[0].cost
        #expect(cost == Cost(queue: 0, load: 3, prefill: 5, decode: 2, network: CostModelConstants.roundTrip))
    }

    @Test func `What replies taught of a host outlives its absence and the router`() {
        var fleet = FleetScript("box up plan prefill=100").fleet
        let box = NodeID("box00000000")
        let observed = Observation(
            estimatedPrompt: 100, prompt: 200, prefilled: 200, prefillSeconds: 2, firstToken: 2.5, wasUnhindered: true)
        _ = fleet.ended("plan", on: box, .served(observed), at: 0)
        func cost(_ fleet: Fleet) -> Cost { fleet.verdicts(Workload(tier: "plan", promptTokens: 100), at: 0)[0].cost }
        #expect([cost(fleet).prefill, cost(fleet).network] == [2, 0.5])
        var next = Fleet()
        fleet.forEachLesson { next.remember(TierSpeed(), $2, of: $1, on: $0, called: nil) }
        next.set(Host(line: "box up plan prefill=100"))
        #expect([cost(next).prefill, cost(next).network] == [2, 0.5])
        fleet.remove(box)
        fleet.set(Host(line: "box up plan prefill=100"))
        #expect([cost(fleet).prefill, cost(fleet).network] == [2, 0.5])
    }

    @Test func `What replies taught of a tier outlives its absence from its host`() {
        var fleet = FleetScript("box up plan prefill=100").fleet
        let observed = Observation(
            estimatedPrompt: 100, prompt: 200, prefilled: 200, prefillSeconds: 2, firstToken: 2.5, wasUnhindered: true)
        _ = fleet.ended("plan", on: NodeID("box00000000"), .served(observed), at: 0)
        fleet.set(Host(line: "box up code-fast"))
        #expect(Self.place(fleet) == "- no node serves it")
        var again = Host(line: "box up plan")
        again.tiers[0].speed = TierSpeed()
        fleet.set(again)
        let cost = fleet.verdicts(Workload(tier: "plan", promptTokens: 100), at: 0)[0].cost
        #expect([cost.prefill, cost.network] == [2, 0.5])
    }

    @Test(
        "What a host says of its speed is learned while it is up",
        arguments: [("up", 1.0), ("suspect", 10), ("down", 10)])
    func learning(_ health: String, _ expected: Double) {
        var fleet = FleetScript("box up plan prefill=100").fleet
        fleet.set(Host(line: "box \(health) plan prefill=1000"))
        // Its router starts anew, and knows nothing of itself.
        var fresh = Host(line: "box up plan")
        fresh.epoch = 2
        fresh.tiers[0].speed = TierSpeed()
        fleet.set(fresh)
        let cost = fleet.verdicts(Workload(tier: "plan", promptTokens: 1000), at: 0)[0].cost
        #expect(cost.prefill == expected)
    }

    @Test func `A name may be an alias of a tier that another host lends`() {
        let fleet = FleetScript("box up plan alias=planner\nden up secret private alias=mine").fleet
        #expect(fleet.tier(named: "planner") == "plan")
        #expect(fleet.tier(named: "mine") == nil)
    }

    @Test func `Replies teach how many tokens an estimate is and what nothing else explains`() {
        var fleet = FleetScript("box up plan").fleet
        let work = Workload(tier: "plan", promptTokens: 1000, outputLimit: 100)
        func cost() -> Cost { fleet.verdicts(work, at: 0)[0].cost }
        #expect(cost() == Cost(queue: 0, load: 0, prefill: 1, decode: 2, network: CostModelConstants.roundTrip))
        _ = fleet.ended(
            "plan", on: NodeID("box00000000"),
            .served(
                Observation(
                    estimatedPrompt: 100, prompt: 150, prefilled: 150, prefillSeconds: 0.15, firstToken: 0.25,
                    wasUnhindered: true)), at: 0)
        #expect(abs(cost().prefill - 1.5) < 1e-9)
        #expect(abs(cost().network - 0.1) < 1e-9)
    }

    @Test func `The terms add up`() {
        let verdicts = FleetScript(
            "box battery plan stopped; code-smart ready 1/1\nden up plan 3/2 prefill=100\nstudio up plan loading"
        ).fleet.verdicts(Workload(tier: "plan", promptTokens: 1234), at: 0)
        for cost in verdicts.map(\.cost) {
            let sum = cost.queue + cost.load + cost.prefill + 0.2 * cost.decode + cost.network
            #expect(abs(cost.total - sum) < 1e-9)
            #expect(cost.firstToken <= cost.total)
        }
        #expect(verdicts.count == 3)
    }
}

/// What the tests must know of the model's numbers.
enum CostModelConstants {
    static let roundTrip = 0.002
}

struct EjectionTests {
    @Test func `Each time out is longer, up to five minutes`() {
        var ejection = Ejection()
        var now = 0.0
        var lengths: [Double] = []
        for _ in 0..<12 {
            for _ in 0..<Ejection.threshold { _ = ejection.failed(at: now) }
            lengths.append(ejection.remaining(at: now))
            now += lengths.last ?? 0
            #expect(!ejection.isOut(at: now))
        }
        #expect(lengths == [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300])
        now += Ejection.limit + 1
        ejection.succeeded(at: now)
        for _ in 0..<Ejection.threshold { _ = ejection.failed(at: now) }
        #expect(ejection.remaining(at: now) == 30)
    }

    @Test func `A success between failures ends the row`() {
        var ejection = Ejection()
        for _ in 0..<10 {
            let isOut = [ejection.failed(at: 0), ejection.failed(at: 0)]
            #expect(isOut == [false, false])
            ejection.succeeded(at: 0)
        }
        #expect(!ejection.isOut(at: 0))
    }
}
