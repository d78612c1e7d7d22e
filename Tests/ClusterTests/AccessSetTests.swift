import Cluster
import Testing

/// Copies of the set end the same, whatever way they meet.
struct AccessSetTests {
    private static func entry(_ id: String, name: String, version: UInt64 = 1, writer: String = "writer01")
        -> AccessEntry
    {
        AccessEntry(
            id: id, kind: .client, name: name, keyHash: String(repeating: "a", count: 64), added: 1, version: version,
            writer: NodeID(writer))
    }

    @Test func theLaterVersionCounts() throws {
        var set = AccessSet([Self.entry("laptop01", name: "old")])
        let news = set.merge(AccessSet([Self.entry("laptop01", name: "new", version: 2)]))
        #expect(news == ["laptop01"])
        #expect(set["laptop01"]?.name == "new")
        let none = set.merge(AccessSet([Self.entry("laptop01", name: "older", version: 1)]))
        #expect(none.isEmpty)
        #expect(set["laptop01"]?.name == "new")
    }

    @Test func aRevocationOutlivesEveryLaterChange() {
        var here = AccessSet([Self.entry("laptop01", name: "anna")])
        var there = here
        let isRevoked = here.revoke("laptop01", by: NodeID("writer01"), at: 50)
        let isRevokedAgain = here.revoke("laptop01", by: NodeID("writer01"), at: 60)
        #expect(isRevoked && !isRevokedAgain)
        _ = there.put(Self.entry("laptop01", name: "anna2", version: 9, writer: "writer02"))
        _ = there.merge(here)
        #expect(there.isRevoked("laptop01"))
        #expect(there["laptop01"]?.revoked == 50)
        #expect(there["laptop01"]?.name == "anna2")
        #expect(there.admitted.isEmpty)
    }

    @Test func aStrangerWasNotRevoked() { #expect(!AccessSet().isRevoked("laptop01")) }

    @Test func aNameMeansWhoHasItNow() {
        var set = AccessSet([Self.entry("laptop01", name: "anna"), Self.entry("laptop02", name: "Anna")])
        _ = set.revoke("laptop01", by: NodeID("writer01"), at: 2)
        #expect(set.named("anna").map(\.id) == ["laptop02"])
        #expect(set.named("laptop01").map(\.id) == ["laptop01"])
        #expect(set.named("bert").isEmpty)
    }

    private static let spoils: [@Sendable (inout AccessEntry) -> Void] = [
        { $0.id = "../../etc" },
        { $0.name = "a\u{1b}[31m" },
        { $0.keyHash = nil },
        { $0.keyHash = "abc" },
        { $0.kind = .node },
        { $0.limits.inFlight = 0 },
        { $0.added = .nan },
        { $0.version = 1 << 62 },
        { $0.version = .max },
    ]

    @Test(arguments: spoils.indices)
    func whatNoSoundNodeWritesIsNotKept(_ index: Int) {
        var entry = Self.entry("laptop01", name: "anna")
        Self.spoils[index](&entry)
        #expect(AccessSet([entry]).entries.isEmpty)
    }

    @Test func itsSizeIsBounded() {
        let many = (0...AccessSet.limit).map { Self.entry("laptop\(10000 + $0)", name: "n\($0)") }
        #expect(AccessSet(many).entries.count == AccessSet.limit)
    }

    @Test func aFullSetTakesChangesAndSaysThatItTakesNobodyMore() {
        var set = AccessSet((0..<AccessSet.limit).map { Self.entry("laptop\(10000 + $0)", name: "n") })
        let isNewOneTaken = set.put(Self.entry("laptop01", name: "anna"))
        let isChangeTaken = set.put(Self.entry("laptop10000", name: "bert"))
        #expect(!isNewOneTaken && isChangeTaken)
        #expect(set["laptop01"] == nil && set["laptop10000"]?.name == "bert")
    }

    /// A member that makes up the last version keeps nobody from being revoked, nor anybody's router from running.
    @Test func theLastVersionIsRevokedEverywhere() {
        var here = AccessSet([Self.entry("laptop01", name: "anna", version: (1 << 62) - 1)])
        var there = here
        _ = here.put(Self.entry("laptop01", name: "bert"))
        let isRevoked = here.revoke("laptop01", by: NodeID("writer01"), at: 50)
        _ = there.merge(AccessSet(here.entries.values))
        #expect(isRevoked && there.isRevoked("laptop01"))
    }

    @Test(arguments: 1...50)
    func theOrderOfMeetingsDoesNotMatter(_ seed: UInt64) {
        var random = Seeded(state: seed)
        let copies = (0..<4).map { _ in Self.random(&random) }
        func union(_ order: [Int]) -> AccessSet {
            var all = AccessSet()
            for index in order { _ = all.merge(copies[index]) }
            return all
        }
        let expected = union([0, 1, 2, 3])
        for _ in 0..<5 { #expect(union([0, 1, 2, 3].shuffled(using: &random)) == expected) }
        // Grouped otherwise, and twice.
        var (left, right) = (copies[0], copies[2])
        _ = left.merge(copies[1])
        _ = right.merge(copies[3])
        _ = right.merge(left)
        #expect(right == expected)
        let news = right.merge(left)
        #expect(news.isEmpty)
    }

    private static func random(_ random: inout Seeded) -> AccessSet {
        AccessSet(
            (0..<6).map { _ in
                var entry = entry(
                    "laptop0\(Int.random(in: 0..<4, using: &random))",
                    name: "n\(Int.random(in: 0..<3, using: &random))",
                    version: .random(in: 1...3, using: &random),
                    writer: "writer0\(Int.random(in: 0..<2, using: &random))")
                if Int.random(in: 0..<4, using: &random) == 0 {
                    entry.revoked = Double(Int.random(in: 1...9, using: &random))
                }
                return entry
            })
    }
}
