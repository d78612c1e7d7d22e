import Cluster

/// What of a tier says where its requests go and who pays.
package struct BedrockTarget: Hashable, Sendable {
    /// nil for the default chain.
    package var profile: String?
    /// nil leaves it to environment and profile.
    package var region: String?
    /// nil is AWS's own.
    package var endpoint: String?

    /// - Returns: nil for a local tier.
    init?(_ tier: Tier, usesNext: Bool) {
        guard case .bedrock(let bedrock) = tier.backend else { return nil }
        profile = bedrock.profile
        region = bedrock.target(next: usesNext).region
        endpoint = bedrock.endpoint
    }
}
