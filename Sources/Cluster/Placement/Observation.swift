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

extension Lane.Learned {
    /// Estimates of fewer tokens say nothing of the ratio: the chat template is most of such a prompt.
    private static let leastPrompt = 32
    /// Ratios beyond these are of something else than tokenisation, such as images.
    private static let ratios = 0.25...4.0
    /// Seconds of overhead that are believed.
    private static let overheads = 0.0...5.0

    mutating func take(_ observed: Observation) {
        if observed.estimatedPrompt >= Self.leastPrompt, observed.prompt > 0 {
            let ratio = Double(observed.prompt) / Double(observed.estimatedPrompt)
            tokenRatio = TierSpeed.mean(
                tokenRatio, with: min(max(ratio, Self.ratios.lowerBound), Self.ratios.upperBound))
        }
        if observed.wasUnhindered {
            let rest = observed.firstToken - observed.prefillSeconds
            overhead = TierSpeed.mean(
                overhead, with: min(max(rest, Self.overheads.lowerBound), Self.overheads.upperBound))
        }
    }
}
