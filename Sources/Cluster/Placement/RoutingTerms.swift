/// What a router's models.ini and environment say of requests that leave the tier to the ladder.
package struct RoutingTerms: Equatable, Sendable, Codable {
    package struct Own: Equatable, Sendable, Codable {
        package var name: String
        package var isHosted: Bool
    }

    package var ladder: Ladder
    package var hasToolsFloor: Bool
    /// Tiers of the router's own host by the names that the ladder has for them.
    package var own: [String: Own]

    package init(
        ladder: Ladder, hasToolsFloor: Bool, own: (String) -> (name: String, isHosted: Bool)?
    ) {
        self.ladder = ladder
        self.hasToolsFloor = hasToolsFloor
        let settings = ladder.settings
        let names = [
            settings.fastModel, settings.agentModel, settings.ultraModel, settings.planModel, settings.uncensoredModel,
        ]
        self.own = names.reduce(into: [:]) { all, name in
            all[name] = own(name).map { Own(name: $0.name, isHosted: $0.isHosted) }
        }
    }
}
