extension Ladder {
    /// Decides while some hosted tiers cannot be asked.
    ///
    /// 1. The ladder's own choice, where it can be asked; and for an uncensored trigger always: who asks for no filter gets
    ///    no other tier.
    /// 2. Ultra: as if there were none.
    /// 3. Then the ladder's steps in turn, those first that have room for the prompt. The choice was a hosted tier, so that
    ///    no step leads from a local tier to a hosted one.
    /// 4. Where none can be asked, the choice all the same: whoever is asked says what is wrong.
    ///
    /// - Parameters:
    ///   - isOut: whether the tier of that name cannot be asked.
    ///   - context: tokens of the window of the tier of that name; 0 when unknown.
    package func decide(
        _ facts: RequestFacts, hasToolsFloor: Bool, isOut: (String) -> Bool, context: (String) -> Int
    ) -> Decision {
        let choice = decide(facts)
        // 1
        guard choice.rule != Self.uncensoredRule, isOut(choice.model) else { return choice }
        var decision = choice
        var out = choice.model
        // 2
        if choice.model == settings.ultraModel, choice.rule == 2 || choice.rule == 4 {
            decision = withoutUltra.decide(facts)
            guard isOut(decision.model) else { return decision }
            out = decision.model
        }
        // 3
        let steps = steps(after: choice, facts, hasToolsFloor: hasToolsFloor).filter { !isOut($0) }
        func hasRoom(_ model: String) -> Bool {
            let context = context(model)
            return context == 0 || facts.estimatedTokens <= context
        }
        guard let step = steps.first(where: hasRoom) ?? steps.first else { return choice }
        return Decision(model: step, rule: decision.rule, reason: "\(decision.reason) (\(out) unavailable)")
    }
}
