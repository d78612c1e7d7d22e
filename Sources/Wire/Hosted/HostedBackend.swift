package import Cluster

/// Answers requests for hosted tiers: the seam between the router, which knows tiers, and whoever knows their provider.
package protocol HostedBackend: Sendable {
    /// Whether a tier can be asked at all: nobody is called for it, but credentials may have to be found first.
    ///
    /// - Parameter answer: called once, on whatever thread: before this returns where that is known already.
    func verdict(on tier: Tier, _ answer: @escaping @Sendable (HostedVerdict) -> Void)

    /// Called on event loops: it must not block.
    func producer(_ request: HostedRequest) -> any ReplyProducer
}

/// Whether a hosted tier can be asked.
package enum HostedVerdict: Equatable, Sendable {
    case usable
    /// Why not, and what mends it: for people.
    case unusable(String)
}

/// What is asked of a hosted tier, the body aside.
package struct HostedRequest: Sendable {
    package var tier: Tier
    /// Whether the queued model is in use.
    package var usesNext: Bool
    /// Of the request: `/v1/chat/completions` and its like.
    package var path: String

    package init(tier: Tier, usesNext: Bool, path: String) {
        self.tier = tier
        self.usesNext = usesNext
        self.path = path
    }
}
