/// A host as placement sees it: what it says of itself, and how it fares.
package struct Host: Equatable, Sendable, Codable {
    package var id: NodeID
    package var name: String
    /// Whether it is the router's own.
    package var isLocal: Bool
    /// Where its cluster listener was reached; nil for the local host.
    package var place: Place?
    package var health: Membership.Health
    /// Why its health is what it is, for people.
    package var evidence: String
    /// Whether it is down because nothing was heard of it, on a fresh connection either.
    package var fellSilent: Bool
    /// What it says of itself.
    package var epoch: UInt64
    package var tiers: [TierReport]
    package var residentSets: [[String]]
    package var policy: NodeDescription.Policy
    package var power: NodeDescription.Power
    package var machine: NodeDescription.Machine

    /// The router's own host.
    package init(local own: NodeDescription) {
        self.init(own, isLocal: true, place: nil, health: .up, evidence: "", fellSilent: false)
    }

    /// Another node.
    ///
    /// - Returns: nil for one that has not described itself, or is none of the cluster's.
    package init?(_ member: Membership.Member) {
        guard let description = member.description, member.health != .foreign, member.health != .incompatible else {
            return nil
        }
        self.init(
            description, isLocal: false, place: member.place, health: member.health,
            evidence: member.evidence.description, fellSilent: member.fellSilent)
    }

    private init(
        _ node: NodeDescription, isLocal: Bool, place: Place?, health: Membership.Health, evidence: String,
        fellSilent: Bool
    ) {
        id = node.id
        name = node.name
        self.isLocal = isLocal
        self.place = place
        self.health = health
        self.evidence = evidence
        self.fellSilent = fellSilent
        epoch = node.epoch
        tiers = node.tiers
        residentSets = node.residentSets
        policy = node.policy
        power = node.power
        machine = node.machine
    }
}

extension Membership.Member {
    fileprivate var fellSilent: Bool {
        if health == .down, case .silent = evidence { true } else { false }
    }
}
