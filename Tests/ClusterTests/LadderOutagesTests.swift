import Cluster
import Testing

@Suite("The ladder while hosted tiers cannot be asked")
struct LadderOutagesTests {
    private func ladder(_ hosted: [String]) throws -> (Ladder, Catalog) {
        let names = ["code-fast", "code-smart", "code-ultra", "plan", "plan-uncensored"]
        let sections = names.map { name in
            let keys = hosted.contains(name) ? "aws_model_id = m" : "hf_repo = a/b\nhf_file = c.gguf"
            return "[\(name)]\n\(keys)\nctx_size = \(name == "code-smart" ? 64_000 : 131_072)\n"
        }
        let catalog = try Catalog.parse(sections.joined(), file: "models.ini")
        return (Ladder(settings: .init(), catalog: catalog), catalog)
    }

    private func facts(_ tokens: Int, tools: Bool = false, signals: String = "") -> RequestFacts {
        var facts = RequestFacts()
        facts.characters = tokens * 4
        facts.turns = 1
        facts.hasTools = tools
        if signals == "plan" { facts.signals = [.plan] }
        if signals == "ultra" { facts.triggers = [.ultraTrigger] }
        if signals == "nofilter" { facts.triggers = [.uncensoredTrigger] }
        return facts
    }

    struct Row: CustomTestStringConvertible, Sendable {
        var out: [String]
        var tokens = 10
        var tools = false
        var signals = ""
        var model: String
        var reason: String

        var testDescription: String { "\(out) out, \(tokens) tokens \(signals)\(tools ? " tools" : ""): \(model)" }
    }

    @Test(arguments: [
        Row(out: [], model: "code-ultra", reason: "high-fidelity tokens~10<=12000"),
        Row(
            out: ["code-ultra"], model: "code-smart", reason: "high-fidelity tokens~10<=12000 (code-ultra unavailable)"),
        Row(
            out: ["code-ultra"], signals: "ultra", model: "code-smart",
            reason: "ultra-trigger->agent (code-ultra unavailable)"),
        Row(
            out: ["code-ultra", "code-smart"], model: "code-fast",
            reason: "high-fidelity tokens~10<=12000 (code-ultra unavailable) (code-smart unavailable)"),
        // With tools nothing below agent: who is asked says what is wrong.
        Row(
            out: ["code-ultra", "code-smart"], tools: true, model: "code-ultra",
            reason: "high-fidelity tokens~10<=12000"),
        Row(out: ["plan"], signals: "plan", model: "code-smart", reason: "plan-signal (plan unavailable)"),
        Row(
            out: ["plan"], tokens: 70_000, signals: "plan", model: "code-fast", reason: "plan-signal (plan unavailable)"
        ),
        Row(
            out: ["code-smart"], tokens: 20_000, model: "code-fast",
            reason: "mid-fidelity tokens~20000<=32000 (code-smart unavailable)"),
        Row(
            out: ["code-fast"], tokens: 50_000, model: "code-smart",
            reason: "long-context tokens~50000>32000 (code-fast unavailable)"),
        Row(out: ["plan-uncensored"], signals: "nofilter", model: "plan-uncensored", reason: "uncensored-trigger"),
    ])
    func `It goes on down and says why`(row: Row) throws {
        let (ladder, catalog) = try ladder(row.out)
        let decision = ladder.decide(
            facts(row.tokens, tools: row.tools, signals: row.signals), hasToolsFloor: true,
            isOut: { row.out.contains($0) }, context: { catalog.tier(named: $0)?.contextSize ?? 0 })
        #expect(decision.model == row.model)
        #expect(decision.reason == row.reason)
    }
}
