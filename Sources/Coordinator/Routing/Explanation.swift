package import Cluster
package import Wire

/// Why a request goes where it goes: the ladder's decision, and each rule's answer up to the one that matched.
package struct Explanation: Sendable, Equatable {
    /// One rule of ``Ladder`` and what it made of the request.
    package struct Step: Sendable, Equatable {
        package var rule: Int
        package var title: String
        package var matched: Bool
        package var why: String
    }

    package var decision: Ladder.Decision
    package var facts: RequestFacts
    /// The phrases that occur, as they are written in the lists.
    package var planPhrases: [String]
    package var agentPhrases: [String]
    package var steps: [Step]

    /// - Parameters:
    ///   - body: a request body, of which `request` is the scan.
    package init(of body: [UInt8], _ request: ScannedRequest, by table: RoutingTable) {
        facts = request.facts
        decision = table.ladder.decide(facts)
        let routing = table.catalog.routing
        planPhrases = Self.occurring(Phrase.plan + routing.planPhrases, in: body)
        agentPhrases = Self.occurring(Phrase.agent + routing.agentPhrases, in: body)
        steps = []
        steps = (1...decision.rule).map { step($0, table.ladder) }
    }

    /// An automaton of one phrase is small and a person waits for the answer, so each phrase reads the body anew.
    private static func occurring(_ phrases: [Phrase], in body: [UInt8]) -> [String] {
        phrases.filter { phrase in
            var scan = RequestScan(Vocabulary(plan: [phrase], agent: []))
            body.withUnsafeBytes { scan.read($0) }
            guard case .request(let request) = scan.finish() else { return false }
            return request.facts.signals.contains(.plan)
        }.map(\.text)
    }

    private func step(_ rule: Int, _ ladder: Ladder) -> Step {
        let settings = ladder.settings
        let tokens = facts.estimatedTokens
        let (title, why) =
            switch rule {
            case 1: ("uncensored trigger", "[nofilter] and its like in the latest user message or a system prompt")
            case 2: ("ultra trigger", "[ultra], [opus] or a line that starts with ultra: there")
            case 3: ("planning", planning(ladder))
            case 4: ("short", "\(tokens) tokens; at most \(settings.highFidelityCeiling)")
            case 5: ("medium", "\(tokens) tokens; at most \(settings.midFidelityCeiling)")
            case 6:
                (
                    "long, but an agent's",
                    "\(facts.hasTools ? "tools" : "no tools"); \(facts.turns) messages of \(settings.multiTurn)"
                )
            default: ("long", "\(tokens) tokens; more than \(settings.midFidelityCeiling)")
            }
        return Step(rule: rule, title: title, matched: rule == decision.rule, why: why)
    }

    private func planning(_ ladder: Ladder) -> String {
        guard facts.signals.contains(.plan) else { return "no plan phrase" }
        var parts = ["plan phrase \(Self.listed(planPhrases))"]
        if facts.signals.contains(.agent) { parts.append("but agent phrase \(Self.listed(agentPhrases))") }
        if facts.signals.contains(.code) { parts.append("but code") }
        if facts.hasTools { parts.append("but tools") }
        if ladder.planContext > 0, facts.estimatedTokens > ladder.planContext {
            parts.append("but \(facts.estimatedTokens) tokens do not fit its \(ladder.planContext)")
        }
        return parts.joined(separator: ", ")
    }

    private static func listed(_ phrases: [String]) -> String {
        phrases.map { "\"\($0)\"" }.joined(separator: ", ")
    }

    // MARK: Showing it

    /// For people: the decision as the router logs it, then a line a rule.
    package var text: String {
        var lines = ["auto -> \(decision.model) (\(decision.reason))"]
        for step in steps {
            lines.append(
                "  \(step.matched ? ">" : " ") \(step.rule). \(step.title): \(step.matched ? "yes" : "no") (\(step.why))"
            )
        }
        lines.append(
            "  estimate: \(facts.estimatedTokens) tokens (\(facts.characters) characters / 4), "
                + "\(facts.turns) messages, \(facts.hasTools ? "tools" : "no tools")")
        return lines.joined(separator: "\n")
    }

    /// For programs: one object.
    package var json: String {
        func list(_ strings: [String]) -> String { "[\(strings.map(\.jsonQuoted).joined(separator: ","))]" }
        let rules = steps.map {
            "{\"rule\":\($0.rule),\"title\":\($0.title.jsonQuoted),\"matched\":\($0.matched),\"why\":\($0.why.jsonQuoted)}"
        }
        return """
            {"auto":true,"tier":\(decision.model.jsonQuoted),"rule":\(decision.rule),\
            "reason":\(decision.reason.jsonQuoted),"tokens":\(facts.estimatedTokens),"characters":\(facts.characters),\
            "messages":\(facts.turns),"tools":\(facts.hasTools),"plan_phrases":\(list(planPhrases)),\
            "agent_phrases":\(list(agentPhrases)),"code":\(facts.signals.contains(.code)),\
            "rules":[\(rules.joined(separator: ","))]}
            """
    }
}
