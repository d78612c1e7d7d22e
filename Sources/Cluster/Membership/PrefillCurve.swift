/// How long a prompt takes: each token costs what a token costs, and more the more there are before it. Attention looks at
/// all of them (Vaswani et al., 2017), which weights that are small or prompts that are long make felt; one rate for all
/// lengths would be wrong by several times.
package struct PrefillCurve: Equatable, Sendable, Codable, BitwiseCopyable {
    /// Seconds of a token at the start of a prompt.
    package var base: Double
    /// Seconds that each token before it adds to that.
    package var growth: Double

    package init(base: Double, growth: Double) {
        self.base = base
        self.growth = growth
    }

    enum CodingKeys: String, CodingKey {
        case base = "token_seconds"
        case growth = "position_seconds"
    }

    /// Seconds of a whole prompt.
    package func seconds(of tokens: Double) -> Double { tokens * (base + growth * tokens / 2) }
}

/// Fits the curve to what is observed: a line through seconds a token over the mean position, by least squares in which an
/// observation's weight fades as newer ones come.
package struct PrefillFit: Equatable, Sendable {
    /// What is left of a weight after another observation: of a series that changes, two thirds are forgotten after ten.
    private static let fading = 0.9
    /// The variance of positions, over their squared mean, below which a slope would be noise.
    private static let leastSpread = 0.02

    private var weight = 0.0
    private var x = 0.0
    private var y = 0.0
    private var xx = 0.0
    private var xy = 0.0

    package init() {}

    /// - Parameters:
    ///   - tokens: that were worked through; more than 0.
    ///   - cached: that were there before them.
    package mutating func take(tokens: Int, after cached: Int, seconds: Double) {
        let position = Double(cached) + Double(tokens) / 2
        let each = seconds / Double(tokens)
        weight = weight * Self.fading + 1
        x = x * Self.fading + position
        y = y * Self.fading + each
        xx = xx * Self.fading + position * position
        xy = xy * Self.fading + position * each
    }

    /// nil before anything was observed.
    package var curve: PrefillCurve? {
        guard weight > 0 else { return nil }
        let (meanX, meanY) = (x / weight, y / weight)
        let variance = xx / weight - meanX * meanX
        guard variance > Self.leastSpread * meanX * meanX else { return PrefillCurve(base: meanY, growth: 0) }
        // Neither can be less than nothing: no token is free, and none is cheaper for being late.
        let slope = min(max((xy / weight - meanX * meanY) / variance, 0), meanY / meanX)
        return PrefillCurve(base: meanY - slope * meanX, growth: slope)
    }
}
