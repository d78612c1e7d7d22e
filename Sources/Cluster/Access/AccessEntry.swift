/// What one key may do at a time, and in a minute.
package struct KeyLimits: Equatable, Sendable, Codable {
    /// Requests that run or wait.
    package var inFlight: Int
    package var perMinute: Int

    package static let standard = KeyLimits(inFlight: 4, perMinute: 60)

    package init(inFlight: Int, perMinute: Int) {
        self.inFlight = inFlight
        self.perMinute = perMinute
    }
}

/// Somebody who was let into a cluster, and whether they still are.
package struct AccessEntry: Equatable, Sendable, Codable {
    package enum Kind: String, Equatable, Sendable, Codable, CaseIterable {
        case node
        case issuer
        /// A thin client, by its key.
        case client
    }

    /// A node's id, or the eight characters that a client's key begins with.
    package var id: String
    package var kind: Kind
    /// What people call it.
    package var name: String
    /// Of a client's key: SHA-256, in hexadecimal digits. Nodes have certificates.
    package var keyHash: String?
    package var limits: KeyLimits
    /// Seconds since 1970.
    package var added: Double
    /// Seconds since 1970; nil while it is let in. Never taken back: who is to come again is invited again.
    package var revoked: Double?
    /// Grows with each change, up to ``lastVersion``.
    package var version: UInt64
    /// Who changed it last.
    package var writer: NodeID

    package init(
        id: String, kind: Kind, name: String, keyHash: String? = nil, limits: KeyLimits = .standard, added: Double,
        revoked: Double? = nil, version: UInt64 = 1, writer: NodeID
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.keyHash = keyHash
        self.limits = limits
        self.added = added
        self.revoked = revoked
        self.version = version
        self.writer = writer
    }

    /// No entry is changed so often. A larger version is none of ours, and one more than any of ours is still a number.
    private static let lastVersion: UInt64 = (1 << 62) - 1

    /// What a change of it has. Somebody may have made the last one up: a revocation counts without a later one.
    var nextVersion: UInt64 { min(version + 1, Self.lastVersion) }

    /// Whether it can be what a node of ours has written; other nodes' entries are looked at before they are kept.
    package var isSound: Bool {
        let hasKey = keyHash.map { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }
        let isNamed = Advertisement.isIdentifier(id) && ClusterIdentity.isName(name)
        let isLimited = (1...10_000).contains(limits.inFlight) && (1...1_000_000).contains(limits.perMinute)
        return isNamed && isLimited && version <= Self.lastVersion && added.isFinite && revoked?.isFinite != false
            && (kind == .client ? hasKey == true : hasKey == nil)
    }

    /// What is to be kept of two words about the same one, whichever came first.
    ///
    /// 1. The later version counts; of two writers at once the one whose id is larger.
    /// 2. A revocation stands, whoever knows of it, from its earliest time on.
    func merged(with other: AccessEntry) -> AccessEntry {
        // 1
        var merged = rank < other.rank ? other : self
        // 2
        merged.revoked = [revoked, other.revoked].compactMap { $0 }.min()
        return merged
    }

    /// The rest decides only between entries that no sound writer makes, so that all nodes still end with the same.
    private var rank: (UInt64, String, String, String, String, Double) {
        (
            version, writer.description, name, keyHash ?? "", "\(kind.rawValue) \(limits.inFlight) \(limits.perMinute)",
            added
        )
    }
}
