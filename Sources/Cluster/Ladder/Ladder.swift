/// Picks the tier for `model: "auto"`.
///
/// A step-down ladder: the best tier while a conversation is short, cheaper ones as its context grows, and two tracks
/// beside it, for planning and for planning without a filter. First match wins:
///
/// 1. an uncensored trigger: the uncensored planner;
/// 2. an ultra trigger: ultra, or agent where no tier is called that;
/// 3. a plan phrase, no code, no agent phrase, no tools, and it fits the planner's window: the planner;
/// 4. at most ``Settings/highFidelityCeiling`` tokens: ultra, or agent where no tier is called that;
/// 5. at most ``Settings/midFidelityCeiling`` tokens: agent;
/// 6. longer, with tools or ``Settings/multiTurn`` messages: agent, since small models call tools unreliably;
/// 7. longer: fast, which has the widest window and is always resident.
package struct Ladder: Equatable, Sendable, Codable {
    package struct Settings: Equatable, Sendable, Codable {
        /// Tokens. Half of the shipped ultra tier's window, so that the reply fits.
        package var highFidelityCeiling = 12_000
        /// Tokens. Half of the shipped agent tier's window.
        package var midFidelityCeiling = 32_000
        /// Messages.
        package var multiTurn = 6
        package var fastModel = "code-fast"
        package var agentModel = "code-smart"
        package var ultraModel = "code-ultra"
        package var planModel = "plan"
        package var uncensoredModel = "plan-uncensored"

        package init() {}
    }

    package struct Decision: Equatable, Sendable {
        /// The name to ask upstream for.
        package var model: String
        /// The rule that matched, 1 to 7.
        package var rule: Int
        /// As the router logs it.
        package var reason: String
    }

    /// The rule that finds an uncensored trigger.
    package static let uncensoredRule = 1

    package let settings: Settings
    /// Whether ``Settings/ultraModel`` is a tier or an alias of one.
    package let ultraIsAvailable: Bool
    /// The plan tier's window in tokens; 0 when it is unknown: then nothing is too long for it.
    package let planContext: Int

    package init(settings: Settings, catalog: Catalog) {
        self.init(
            settings: settings, ultraIsAvailable: catalog.tier(named: settings.ultraModel) != nil,
            planContext: catalog.tier(named: settings.planModel)?.contextSize ?? 0)
    }

    private init(settings: Settings, ultraIsAvailable: Bool, planContext: Int) {
        self.settings = settings
        self.ultraIsAvailable = ultraIsAvailable
        self.planContext = planContext
    }

    /// The same where no tier is called ``Settings/ultraModel``.
    var withoutUltra: Ladder { Ladder(settings: settings, ultraIsAvailable: false, planContext: planContext) }

    package func decide(_ facts: RequestFacts) -> Decision {
        let tokens = facts.estimatedTokens
        // 1
        if facts.triggers.contains(.uncensoredTrigger) {
            return Decision(model: settings.uncensoredModel, rule: Self.uncensoredRule, reason: "uncensored-trigger")
        }
        // 2
        if facts.triggers.contains(.ultraTrigger) {
            return ultraIsAvailable
                ? Decision(model: settings.ultraModel, rule: 2, reason: "ultra-trigger")
                : Decision(
                    model: settings.agentModel, rule: 2,
                    reason: "ultra-trigger->agent (\(settings.ultraModel) unavailable)")
        }
        // 3
        if facts.signals.contains(.plan), facts.signals.isDisjoint(with: [.agent, .code]), !facts.hasTools,
            planContext == 0 || tokens <= planContext
        {
            return Decision(model: settings.planModel, rule: 3, reason: "plan-signal")
        }
        // 4
        if tokens <= settings.highFidelityCeiling {
            let reason = "high-fidelity tokens~\(tokens)<=\(settings.highFidelityCeiling)"
            return ultraIsAvailable
                ? Decision(model: settings.ultraModel, rule: 4, reason: reason)
                : Decision(
                    model: settings.agentModel, rule: 4, reason: "\(reason) (\(settings.ultraModel) unavailable)")
        }
        // 5
        if tokens <= settings.midFidelityCeiling {
            return Decision(
                model: settings.agentModel, rule: 5,
                reason: "mid-fidelity tokens~\(tokens)<=\(settings.midFidelityCeiling)")
        }
        // 6
        let long = "long-context tokens~\(tokens)>\(settings.midFidelityCeiling)"
        if facts.hasTools {
            return Decision(model: settings.agentModel, rule: 6, reason: "\(long) (tools floor)")
        }
        if facts.turns >= settings.multiTurn {
            return Decision(model: settings.agentModel, rule: 6, reason: "\(long) (turns=\(facts.turns) floor)")
        }
        // 7
        return Decision(model: settings.fastModel, rule: 7, reason: long)
    }
}
