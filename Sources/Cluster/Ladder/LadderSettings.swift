extension Ladder.Settings {
    /// An environment variable that holds no usable value.
    package struct Invalid: Error, Equatable, CustomStringConvertible {
        package let variable: String
        package let value: String
        /// What it is where nothing is said.
        package let standard: Int

        package var description: String {
            "\(variable)=\(value) is not a whole number\n  fix: write it like \(variable)=\(standard), or unset it"
        }
    }

    /// The environment's word counts before `[ROUTING]`'s, and that before the default. Empty variables do not count.
    ///
    /// - Parameter environment: looks up `ROUTER_FAST_MODEL` and its like.
    package init(routing: RoutingSection, environment: (String) -> String?) throws(Invalid) {
        self.init()
        func name(_ variable: String, _ section: String?, _ standard: String) -> String {
            environment(variable).flatMap { $0.isEmpty ? nil : $0 } ?? section ?? standard
        }
        func count(_ variable: String, _ section: Int?, _ standard: Int) throws(Invalid) -> Int {
            guard let text = environment(variable), !text.isEmpty else { return section ?? standard }
            guard let value = Int(text.trimmed), value >= 0 else {
                throw Invalid(variable: variable, value: text, standard: standard)
            }
            return value
        }
        highFidelityCeiling = try count(
            "ROUTER_HIGH_FIDELITY_CEILING", routing.highFidelityCeiling, highFidelityCeiling)
        midFidelityCeiling = try count("ROUTER_MID_FIDELITY_CEILING", routing.midFidelityCeiling, midFidelityCeiling)
        multiTurn = try count("ROUTER_MULTI_TURN", routing.multiTurn, multiTurn)
        fastModel = name("ROUTER_FAST_MODEL", routing.fastModel, fastModel)
        agentModel = name("ROUTER_AGENT_MODEL", routing.agentModel, agentModel)
        ultraModel = name("ROUTER_ULTRA_MODEL", routing.ultraModel, ultraModel)
        planModel = name("ROUTER_PLAN_MODEL", routing.planModel, planModel)
        uncensoredModel = name("ROUTER_UNCENSORED_MODEL", routing.uncensoredModel, uncensoredModel)
    }
}
