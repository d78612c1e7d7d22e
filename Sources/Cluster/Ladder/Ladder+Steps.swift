extension Ladder {
    /// The tiers to try in turn where no host serves the one that was picked.
    ///
    /// 1. An uncensored trigger: none. Who asks for no filter gets no other tier.
    /// 2. Ultra: agent, then fast.
    /// 3. The planner: agent, then fast.
    /// 4. Agent: fast.
    /// 5. Fast, since the prompt is long: agent, which may have room for it.
    /// 6. With tools nothing below agent, unless `tools_floor = off`.
    ///
    /// That no step leads from a local tier to a hosted one is placement's to see: only hosts tell which is which.
    package func steps(after decision: Decision, _ facts: RequestFacts, hasToolsFloor: Bool) -> [String] {
        // 1
        guard decision.rule != Self.uncensoredRule else { return [] }
        var steps: [String]
        switch decision.model {
        // 5
        case settings.fastModel: steps = [settings.agentModel]
        // 4
        case settings.agentModel: steps = [settings.fastModel]
        // 2, 3
        default: steps = [settings.agentModel, settings.fastModel]
        }
        // 6
        if facts.hasTools, hasToolsFloor { steps.removeAll { $0 == settings.fastModel } }
        return steps.filter { $0 != decision.model }
    }
}
