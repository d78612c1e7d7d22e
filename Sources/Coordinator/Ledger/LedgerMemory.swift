package import Cluster

/// What is known of nodes and how fast they are: from earlier runs, and from what was noted since.
package struct LedgerMemory: Equatable, Sendable {
    package struct RateKey: Hashable, Sendable {
        package var node: NodeID
        package var tier: String

        package init(_ node: NodeID, _ tier: String) {
            self.node = node
            self.tier = tier
        }
    }

    /// Kept at most: a flood of nodes must not fill memory or disk. As many as ``Membership/leadLimit``.
    package static let nodeLimit = Membership.leadLimit
    package static let rateLimit = 16 * nodeLimit
    /// Nodes of a cluster that are tried at start, at most.
    package static let triedLimit = 64
    /// Seconds after which an address is not tried any more: a month.
    package static let triedAge = 30.0 * 86400

    package private(set) var nodes: [NodeID: NodeRecord] = [:]
    package private(set) var rates: [RateKey: RateRecord] = [:]

    package init() {}

    /// The nodes to try at start: those of a cluster that were seen within a month, the last ones first.
    ///
    /// - Parameter now: seconds since 1970.
    package func nodes(of cluster: ClusterID, now: Double) -> [NodeRecord] {
        let recent = nodes.values.filter {
            $0.cluster == cluster && now - $0.lastSeen < Self.triedAge && !$0.places.isEmpty
        }
        return Array(
            recent.sorted { ($0.lastSeen, $0.id.description) > ($1.lastSeen, $1.id.description) }
                .prefix(Self.triedLimit))
    }

    /// nil where nothing was observed.
    package func speed(of node: NodeID, _ tier: String) -> TierSpeed? { rates[RateKey(node, tier)]?.speed }

    /// - Returns: the record with what it says nothing of filled in from the one before.
    @discardableResult
    package mutating func add(_ record: NodeRecord) -> NodeRecord {
        var merged = record
        // An address that means something on one link only is no use on another network.
        merged.places = record.places.filter { !$0.host.contains("%") && !$0.host.lowercased().hasPrefix("fe80:") }
        if let old = nodes[record.id] {
            merged.firstSeen = min(old.firstSeen, record.firstSeen)
            if merged.places.isEmpty { merged.places = old.places }
        } else if nodes.count >= Self.nodeLimit, let oldest = nodes.values.min(by: { $0.lastSeen < $1.lastSeen }) {
            nodes[oldest.id] = nil
        }
        nodes[record.id] = merged
        return merged
    }

    /// - Returns: the record with what it says nothing of filled in from the one before.
    @discardableResult
    package mutating func add(_ record: RateRecord) -> RateRecord {
        let key = RateKey(record.node, record.tier)
        var merged = record
        if let old = rates[key] {
            merged.speed.fill(from: old.speed)
            merged.lessons.fill(from: old.lessons)
        }
        if rates[key] == nil, rates.count >= Self.rateLimit,
            let oldest = rates.values.min(by: { $0.updated < $1.updated })
        {
            rates[RateKey(oldest.node, oldest.tier)] = nil
        }
        rates[key] = merged
        return merged
    }
}

extension TierSpeed {
    /// Takes over what is not known here.
    fileprivate mutating func fill(from old: TierSpeed) {
        loadSeconds = loadSeconds ?? old.loadSeconds
        prefillRate = prefillRate ?? old.prefillRate
        decodeRate = decodeRate ?? old.decodeRate
        cacheRatio = cacheRatio ?? old.cacheRatio
        prefillCurve = prefillCurve ?? old.prefillCurve
    }
}
