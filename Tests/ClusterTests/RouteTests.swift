import Cluster
import Testing

/// The ladder, extended by hosts.
struct RouteTests {
    private static let ladder = Ladder(settings: .init(), catalog: Catalog())

    private static func facts(_ signals: Signals = [], triggers: Signals = [], tokens: Int = 10, tools: Bool = false)
        -> RequestFacts
    {
        var facts = RequestFacts()
        facts.signals = signals
        facts.triggers = triggers
        facts.characters = tokens * 4
        facts.hasTools = tools
        facts.turns = 1
        return facts
    }

    private static func route(
        _ hosts: String, _ facts: RequestFacts, floor: Bool = true, hosted: Set<String> = []
    ) -> Route {
        FleetScript(hosts).fleet.route(
            facts, by: ladder, hasToolsFloor: floor, own: { hosted.contains($0) ? ($0, true) : nil },
            Workload(tier: "", promptTokens: facts.estimatedTokens), at: 0)
    }

    @Test(
        "A request goes to the ladder's tier, else to the next rung that has a host and room",
        arguments: [
            ("box up code-smart", facts(), "code-smart box"),
            ("box up code-smart absent\nden up code-fast", facts(), "code-fast den"),
            ("box up code-smart absent\nden up code-fast", facts(tools: true), "code-smart -"),
            ("box up code-smart; plan", facts(.plan), "plan box"),
            ("box up code-smart; plan ctx=5\nden up code-fast", facts(.plan), "code-smart box"),
            ("den up code-fast", facts(.plan), "code-fast den"),
            ("den up code-fast", facts(triggers: .uncensoredTrigger), "plan-uncensored -"),
            ("den up code-smart", facts(tokens: 50_000), "code-smart den"),
            ("den up code-smart ctx=40000\nbox up code-fast ctx=131072", facts(tokens: 50_000), "code-fast box"),
            // Room nowhere: its engine says so.
            ("den up code-smart ctx=100", facts(tokens: 5000), "code-smart den"),
            ("", facts(), "code-smart -"),
        ])
    func rungs(_ hosts: String, _ facts: RequestFacts, _ expected: String) {
        let route = Self.route(hosts, facts)
        let host = if case .host(let verdict) = route.decision { verdict.name } else { "-" }
        #expect("\(route.tier) \(host)" == expected)
    }

    @Test func `The floor under requests with tools can be taken away`() {
        let route = Self.route("den up code-fast", Self.facts(tools: true), floor: false)
        #expect(route.tier == "code-fast")
    }

    @Test func `No step leads from a local tier to a hosted one`() {
        #expect(Self.route("den up code-fast hosted", Self.facts()).decision.text.hasPrefix("-"))
        #expect(Self.route("den up code-fast", Self.facts(), hosted: ["code-fast"]).decision.text.hasPrefix("-"))
        // Who asked for a hosted one may get another.
        #expect(
            Self.route("den up code-fast hosted", Self.facts(), hosted: ["code-smart"]).tier == "code-fast")
    }

    @Test func `The reason tells of every rung that was passed by`() {
        let route = Self.route("box down plan\nden up code-fast", Self.facts(.plan))
        #expect(
            route.reason
                == "plan-signal -> code-fast (plan has no host: box: down (it was heard again); code-smart has no host: "
                + "no node serves it)")
        #expect(route.rungs.map(\.tier) == ["plan", "code-smart", "code-fast"])
    }

    @Test func `What nobody serves is told with the soonest time to try again`() {
        let route = Self.route("box down code-smart", Self.facts())
        guard case .unserved(let unserved) = route.decision else {
            Issue.record("it was placed")
            return
        }
        #expect(unserved.retryAfter == 5)
        #expect(unserved.kind == .unavailable)
        #expect(route.reason == "high-fidelity tokens~10<=12000 (code-ultra unavailable)")
    }
}
