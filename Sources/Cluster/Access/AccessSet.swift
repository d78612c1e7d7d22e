/// Who is let into a cluster: one set, of which every node has a copy, so that any of them can admit any client.
///
/// Copies are merged entry by entry (``AccessEntry/merged(with:)``). That is commutative, associative and idempotent: a
/// state-based replicated set (Shapiro et al., "Conflict-free Replicated Data Types", 2011), which ends the same
/// everywhere in whatever order copies meet.
package struct AccessSet: Equatable, Sendable, Codable {
    /// Entries that a copy has at most: far more than a team has, and little enough to be sent whole.
    package static let limit = 4096

    package private(set) var entries: [String: AccessEntry] = [:]

    package init() {}

    package init(_ entries: some Sequence<AccessEntry>) {
        for entry in entries { _ = take(entry) }
    }

    package subscript(id: String) -> AccessEntry? { entries[id] }

    /// Those that are let in, by name.
    package var admitted: [AccessEntry] { sorted.filter { $0.revoked == nil } }

    /// All of them, by name.
    package var sorted: [AccessEntry] { entries.values.sorted { ($0.name, $0.id) < ($1.name, $1.id) } }

    /// Whether somebody was let in and is no more; strangers were not revoked.
    package func isRevoked(_ id: String) -> Bool { entries[id]?.revoked != nil }

    /// Those whom a name or an id means. A name may have been given again after a revocation.
    package func named(_ name: String) -> [AccessEntry] {
        if let entry = entries[name] { return [entry] }
        let lower = name.lowercased()
        let all = sorted.filter { $0.name.lowercased() == lower }
        let admitted = all.filter { $0.revoked == nil }
        return admitted.isEmpty ? all : admitted
    }

    /// Takes what another copy knows.
    ///
    /// - Returns: the ids of what is different now.
    package mutating func merge(_ other: AccessSet) -> Set<String> {
        Set(other.entries.values.filter { take($0) }.map(\.id))
    }

    /// Changes one entry, or puts a new one in.
    ///
    /// - Returns: whether it was taken: not where it is new and the set is full, nor where it is not sound.
    package mutating func put(_ entry: AccessEntry) -> Bool {
        var entry = entry
        if let known = entries[entry.id] { entry.version = max(entry.version, known.nextVersion) }
        return take(entry)
    }

    /// - Returns: whether that changed anything.
    package mutating func revoke(_ id: String, by writer: NodeID, at time: Double) -> Bool {
        guard var entry = entries[id], entry.revoked == nil else { return false }
        entry.revoked = time
        entry.version = entry.nextVersion
        entry.writer = writer
        entries[id] = entry
        return true
    }

    private mutating func take(_ entry: AccessEntry) -> Bool {
        let known = entries[entry.id]
        // Most of what copies tell each other is known, and need not be looked at closely again.
        guard entry != known, entry.isSound else { return false }
        guard let known else {
            guard entries.count < Self.limit else { return false }
            entries[entry.id] = entry
            return true
        }
        let merged = known.merged(with: entry)
        entries[entry.id] = merged
        return merged != known
    }

    // MARK: Codable

    package init(from decoder: any Decoder) throws {
        var list = try decoder.container(keyedBy: Key.self).nestedUnkeyedContainer(forKey: .entries)
        while !list.isAtEnd { _ = take(try list.decode(AccessEntry.self)) }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(entries.values.sorted { $0.id < $1.id }, forKey: .entries)
    }

    private enum Key: String, CodingKey { case entries }
}
