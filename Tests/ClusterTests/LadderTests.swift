import Cluster
import Testing

struct LadderTests {
    private static let catalog = """
        [code-fast]
        role = fast
        hf_repo = a/b
        hf_file = c
        [plan]
        role = plan
        hf_repo = a/b
        hf_file = c
        ctx_size = 20000
        """

    private static func ladder(ultra: Bool) throws -> Ladder {
        let extra = ultra ? "\n[code-ultra]\nrole = ultra\naws_model_id = m" : ""
        return Ladder(settings: .init(), catalog: try Catalog.parse(catalog + extra, file: "t"))
    }

    struct Case: Sendable {
        var tokens = 10
        var signals: Signals = []
        var triggers: Signals = []
        var tools = false
        var turns = 1
        var ultra = false
        var model: String
        var rule: Int
    }

    @Test(arguments: [
        Case(
            tokens: 99_000, triggers: [.uncensoredTrigger, .ultraTrigger], ultra: true, model: "plan-uncensored",
            rule: 1),
        Case(triggers: .ultraTrigger, ultra: true, model: "code-ultra", rule: 2),
        Case(triggers: .ultraTrigger, model: "code-smart", rule: 2),
        Case(signals: .plan, model: "plan", rule: 3), Case(tokens: 20_000, signals: .plan, model: "plan", rule: 3),
        Case(tokens: 20_001, signals: .plan, model: "code-smart", rule: 5),
        Case(signals: [.plan, .agent], model: "code-smart", rule: 4),
        Case(signals: [.plan, .code], model: "code-smart", rule: 4),
        Case(signals: .plan, tools: true, ultra: true, model: "code-ultra", rule: 4),
        Case(tokens: 12_000, model: "code-smart", rule: 4),
        Case(tokens: 12_000, ultra: true, model: "code-ultra", rule: 4),
        Case(tokens: 12_001, ultra: true, model: "code-smart", rule: 5),
        Case(tokens: 32_000, model: "code-smart", rule: 5),
        Case(tokens: 32_001, tools: true, model: "code-smart", rule: 6),
        Case(tokens: 32_001, turns: 6, model: "code-smart", rule: 6),
        Case(tokens: 32_001, turns: 5, model: "code-fast", rule: 7),
    ])
    func theFirstRuleThatMatchesDecides(_ test: Case) throws {
        var facts = RequestFacts()
        facts.characters = test.tokens * 4 + 3
        facts.signals = test.signals
        facts.triggers = test.triggers
        facts.hasTools = test.tools
        facts.turns = test.turns
        let decision = try Self.ladder(ultra: test.ultra).decide(facts)
        #expect(decision.model == test.model)
        #expect(decision.rule == test.rule)
    }

    @Test func theEnvironmentCountsBeforeTheFile() throws {
        var routing = RoutingSection()
        routing.highFidelityCeiling = 1
        routing.midFidelityCeiling = 2
        routing.fastModel = "file"
        let environment = ["ROUTER_HIGH_FIDELITY_CEILING": "7", "ROUTER_FAST_MODEL": "", "ROUTER_PLAN_MODEL": "p"]
        let settings = try Ladder.Settings(routing: routing) { environment[$0] }
        #expect(settings.highFidelityCeiling == 7)
        #expect(settings.midFidelityCeiling == 2)
        #expect(settings.multiTurn == 6)
        #expect(settings.fastModel == "file")
        #expect(settings.planModel == "p")
    }

    @Test(arguments: ["many", "-1", "1.5", "12k"]) func aCountThatIsNoneIsRefused(_ text: String) {
        let error = #expect(throws: Ladder.Settings.Invalid.self) {
            try Ladder.Settings(routing: .init()) { $0 == "ROUTER_MULTI_TURN" ? text : nil }
        }
        #expect(error?.description.contains("ROUTER_MULTI_TURN=\(text)") == true)
    }
}

struct HostedTiersTests {
    @Test(
        arguments: [
            ("code-ultra", "code-ultra"), ("opus", "code-ultra"), ("ultra", nil), ("plan", nil), ("gpt-4o", nil),
        ] as [(String, String?)])
    func onlyNamesOfHostedTiersLeaveTheHost(_ model: String, _ expected: String?) throws {
        let catalog = try Catalog.parse(
            "[code-ultra]\nrole = ultra\naws_model_id = m\naliases = opus, plan\n[plan]\nhf_repo = a\nhf_file = b",
            file: "t")
        #expect(HostedTiers(catalog)[model]?.name == expected)
    }
}
