/// What the ladder looks for in texts, and for how long it needs to look.
///
/// Plan and agent phrases matter only for the ladder's third rule. Once that cannot match any more, for code, for an agent
/// phrase or for length, the rest of a conversation is read for triggers alone, which is several times as fast: they
/// begin at `[` or at the start of a line, so everything else is skipped.
package struct Vocabulary: Sendable {
    /// Triggers and phrases.
    let everything: Automaton
    let triggers: Automaton
    /// Tokens that the plan tier takes; 0 for any number.
    private let planContext: Int

    /// - Parameters:
    ///   - routing: its phrases are added to the built-in ones.
    ///   - planContext: the plan tier's window in tokens; 0 when it is unknown.
    package init(routing: RoutingSection = .init(), planContext: Int = 0) {
        self.init(
            plan: Phrase.plan + routing.planPhrases, agent: Phrase.agent + routing.agentPhrases,
            planContext: planContext)
    }

    package init(plan: [Phrase], agent: [Phrase], planContext: Int = 0) {
        everything = Automaton(plan: plan, agent: agent)
        triggers = Automaton(plan: [], agent: [])
        self.planContext = planContext
    }

    /// For bodies of which only the model's name is wanted.
    package static let none = Vocabulary(plan: [], agent: [])

    /// Whether a plan or an agent phrase could still change the decision.
    func phrasesMatter(signals: Signals, characters: Int) -> Bool {
        signals.isDisjoint(with: [.agent, .code]) && (planContext == 0 || characters / 4 <= planContext)
    }
}
