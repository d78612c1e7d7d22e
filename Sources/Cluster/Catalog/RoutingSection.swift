/// `[ROUTING]` of models.ini: how `auto` decides, as far as the file says so.
package struct RoutingSection: Equatable, Sendable {
    /// Tokens.
    package var highFidelityCeiling: Int?
    /// Tokens.
    package var midFidelityCeiling: Int?
    /// Messages.
    package var multiTurn: Int?
    package var fastModel: String?
    package var agentModel: String?
    package var ultraModel: String?
    package var planModel: String?
    package var uncensoredModel: String?
    /// `tools_floor`: whether a request with tools stays with the agent's tier where that has no host. On unless the file
    /// says `off`.
    package var hasToolsFloor = true
    /// Phrases beside the built-in ones, in the notation of ``Phrase``.
    package var planPhrases: [Phrase] = []
    package var agentPhrases: [Phrase] = []

    package init() {}
}
