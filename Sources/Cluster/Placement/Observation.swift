/// What one served request showed, beside what the host itself tells of its rates.
package struct Observation: Equatable, Sendable, Codable {
    /// As it was estimated when the request was placed.
    package var estimatedPrompt: Int
    /// As the engine counted it, the cached part included.
    package var prompt: Int
    /// Those of them that were worked through.
    package var prefilled: Int
    /// Seconds that this took by the engine's clock.
    package var prefillSeconds: Double
    /// Seconds from placing to the first token.
    package var firstToken: Double
    /// Whether it waited for nothing: a slot was free and the model loaded.
    package var wasUnhindered: Bool

    package init(
        estimatedPrompt: Int, prompt: Int, prefilled: Int, prefillSeconds: Double, firstToken: Double,
        wasUnhindered: Bool
    ) {
        self.estimatedPrompt = estimatedPrompt
        self.prompt = prompt
        self.prefilled = prefilled
        self.prefillSeconds = prefillSeconds
        self.firstToken = firstToken
        self.wasUnhindered = wasUnhindered
    }
}
