package import Cluster

/// What of the nodes that are up is news to the ledger. Members and the time in, entries out.
///
/// 1. A node is noted when it comes up, when it goes, when it has moved or looks otherwise, and once an hour.
/// 2. A tier's speed is noted when it has changed; each node's at most every half minute, for it changes with each reply.
package struct NodeNotes: Sendable {
    /// Seconds between two notes of a node that stays what it is.
    package static let nodeInterval = 3600.0
    /// Seconds between two notes of how fast a node is.
    package static let rateInterval = 30.0
    /// Seconds between two looks.
    private static let lookInterval = 5.0

    private struct Known {
        var node: NodeRecord
        var nodeNoted: Double
        var speeds: [String: TierSpeed] = [:]
        var speedsNoted = -Double.infinity
    }

    private var known: [NodeID: Known] = [:]
    private var lastLook = -Double.infinity

    package init() {}

    /// To be called every second or so; it looks less often.
    ///
    /// - Parameters:
    ///   - now: seconds of the membership's clock.
    ///   - time: the same moment in seconds since 1970.
    package mutating func look(
        at members: some Collection<Membership.Member>, now: Double, time: Double
    ) -> [LedgerEntry] {
        guard now - lastLook >= Self.lookInterval else { return [] }
        lastLook = now
        let up = members.filter { $0.health == .up }
        let ids = Set(up.map(\.id))
        known = known.filter { ids.contains($0.key) }
        return up.flatMap { look(at: $0, now: now, time: time) }
    }

    /// A node's health has become another.
    ///
    /// - Parameter member: nil for a node that is none any more.
    package mutating func changed(
        _ id: NodeID, _ member: Membership.Member?, now: Double, time: Double
    ) -> [LedgerEntry] {
        // 1
        let before = known.removeValue(forKey: id)
        if let member, member.health == .up { return look(at: member, now: now, time: time) }
        guard var last = before?.node else { return [] }
        last.lastSeen = time - max(0, member?.lastWord.map { now - $0 } ?? 0)
        return [.node(last)]
    }

    private mutating func look(at member: Membership.Member, now: Double, time: Double) -> [LedgerEntry] {
        guard let record = record(member, now: now, time: time) else { return [] }
        var entries: [LedgerEntry] = []
        var known = known[member.id] ?? Known(node: record, nodeNoted: -.infinity)
        var isSame = known.node
        (isSame.firstSeen, isSame.lastSeen) = (record.firstSeen, record.lastSeen)
        // 1
        if isSame != record || now - known.nodeNoted >= Self.nodeInterval {
            entries.append(.node(record))
            (known.node, known.nodeNoted) = (record, now)
        }
        // 2
        if now - known.speedsNoted >= Self.rateInterval {
            for tier in member.description?.tiers ?? []
            where tier.speed != TierSpeed() && tier.speed != known.speeds[tier.name] {
                known.speeds[tier.name] = tier.speed
                known.speedsNoted = now
                entries.append(
                    .rates(RateRecord(node: member.id, tier: tier.name, speed: tier.speed, updated: time)))
            }
        }
        self.known[member.id] = known
        return entries
    }

    /// - Returns: nil for a node that has not said yet what it is.
    private func record(_ member: Membership.Member, now: Double, time: Double) -> NodeRecord? {
        guard let description = member.description else { return nil }
        let place = member.place
        return NodeRecord(
            id: member.id, cluster: description.cluster, name: description.name,
            places: (place.map { [$0] } ?? []) + member.places.filter { $0 != place },
            lastSeen: time - max(0, now - (member.lastWord ?? now)), version: description.version,
            platform: description.machine.platform, accelerator: description.machine.accelerator,
            modelMemory: description.machine.modelMemory)
    }
}
