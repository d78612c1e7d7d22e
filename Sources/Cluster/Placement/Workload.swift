/// What placement wants to know of a request. It says nothing of a request's text.
package struct Workload: Equatable, Sendable, Codable {
    /// The tier's name.
    package var tier: String
    /// Estimated tokens of the prompt.
    package var promptTokens: Int
    /// Tokens that the reply may have, where the request says so.
    package var outputLimit: Int?
    /// Whether the request is this host's own: it came over loopback. Others' are served only what is lent.
    package var isOwn: Bool
    /// Whether another tier can be taken where the prompt fits nowhere; a tier that somebody named is asked all the same,
    /// for an estimate must not refuse what the engine might take.
    package var isFlexible: Bool
    /// Whether no other host may be asked: another router has placed it here.
    package var isHereOnly = false
    /// Whether it is for a local tier, and must not come to a hosted one of the same name.
    package var staysLocal = false
    /// Tells requests apart that cost the same everywhere, so that they spread.
    package var seed: UInt64

    package init(
        tier: String, promptTokens: Int, outputLimit: Int? = nil, isOwn: Bool = true, isFlexible: Bool = false,
        seed: UInt64 = 0
    ) {
        self.tier = tier
        self.promptTokens = promptTokens
        self.outputLimit = outputLimit
        self.isOwn = isOwn
        self.isFlexible = isFlexible
        self.seed = seed
    }

    /// Tokens of a reply that sets no limit, or a high one: between the one line of a completion and the file of an agent.
    package static let typicalOutput = 256

    /// Tokens that the reply is taken to have.
    package var expectedOutput: Double { Double(min(outputLimit ?? Self.typicalOutput, Self.typicalOutput)) }
}
