/// What has become different in a ``NodeDescription``: an event of `/llmstack/v1/events` after the first.
package struct NodeChange: Equatable, Sendable, Codable {
    /// The description's ``NodeDescription/sequence`` from now on.
    package var sequence: UInt64
    /// Tiers that look otherwise now.
    package var tiers: [TierReport]?
    package var policy: NodeDescription.Policy?
    package var power: NodeDescription.Power?

    package init(
        sequence: UInt64, tiers: [TierReport]? = nil, policy: NodeDescription.Policy? = nil,
        power: NodeDescription.Power? = nil
    ) {
        self.sequence = sequence
        self.tiers = tiers
        self.policy = policy
        self.power = power
    }

    enum CodingKeys: String, CodingKey {
        case tiers, policy, power
        case sequence = "seq"
    }
}

extension NodeDescription {
    /// The change that makes `old` this description.
    ///
    /// - Returns: nil when no change can say it, as after another models.ini was read: then the whole is to be sent.
    package func change(since old: NodeDescription) -> NodeChange? {
        var rebuilt = old
        let changed = tiers.filter { !old.tiers.contains($0) }
        let change = NodeChange(
            sequence: sequence, tiers: changed.isEmpty ? nil : changed, policy: policy == old.policy ? nil : policy,
            power: power == old.power ? nil : power)
        rebuilt.apply(change)
        return rebuilt == self ? change : nil
    }

    /// Takes over what a change says. A tier that is not known is left out: it comes with the next whole description.
    package mutating func apply(_ change: NodeChange) {
        sequence = change.sequence
        for tier in change.tiers ?? [] {
            if let index = tiers.firstIndex(where: { $0.name == tier.name }) { tiers[index] = tier }
        }
        policy = change.policy ?? policy
        power = change.power ?? power
    }
}
