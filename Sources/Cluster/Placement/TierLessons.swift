/// What replies have taught a router of a tier on a host, beside what the host itself tells of its rates.
package struct TierLessons: Equatable, Sendable, Codable, BitwiseCopyable {
    /// Tokens that prompts had, over what they were estimated to have; nil before any was counted.
    package var tokenRatio: Double?
    /// Seconds until the first token that nothing else explains: the way, the engine's own steps.
    package var overhead: Double?

    package init(tokenRatio: Double? = nil, overhead: Double? = nil) {
        self.tokenRatio = tokenRatio
        self.overhead = overhead
    }

    /// Estimates of fewer tokens say nothing of the ratio: the chat template is most of such a prompt.
    private static let leastPrompt = 32
    /// Ratios beyond these are of something else than tokenisation, such as images.
    private static let ratios = 0.25...4.0
    /// Seconds of overhead that are believed.
    private static let overheads = 0.0...5.0

    package mutating func take(_ observed: Observation) {
        if observed.estimatedPrompt >= Self.leastPrompt, observed.prompt > 0 {
            let ratio = Double(observed.prompt) / Double(observed.estimatedPrompt)
            tokenRatio = TierSpeed.mean(tokenRatio, with: Self.clamp(ratio, Self.ratios))
        }
        if observed.wasUnhindered {
            let rest = observed.firstToken - observed.prefillSeconds
            overhead = TierSpeed.mean(overhead, with: Self.clamp(rest, Self.overheads))
        }
    }

    /// Takes over what is not known here.
    package mutating func fill(from old: TierLessons) {
        tokenRatio = tokenRatio ?? old.tokenRatio
        overhead = overhead ?? old.overhead
    }

    /// As it may be believed, wherever it comes from; what is no number is not known.
    package var sanitised: TierLessons {
        func believed(_ value: Double?, _ range: ClosedRange<Double>) -> Double? {
            value.flatMap { $0.isFinite ? Self.clamp($0, range) : nil }
        }
        return TierLessons(
            tokenRatio: believed(tokenRatio, Self.ratios), overhead: believed(overhead, Self.overheads))
    }

    private static func clamp(_ value: Double, _ range: ClosedRange<Double>) -> Double {
        min(max(value, range.lowerBound), range.upperBound)
    }
}
