import Cluster
import Coordinator
import Testing

/// When a router asks whom what they lend, and what it makes of it.
struct LentShelfTests {
    private static let ini =
        "[plan]\ndescription = Plans\nhf_repo = a/b\nhf_file = c\n[small]\nhf_repo = a/b\nhf_file = d\n"

    /// For expectations, which change nothing that they are given.
    private final class Shelf {
        private var shelf = LentShelf()
        func changed(_ id: NodeID, _ member: Membership.Member?, at now: Double) -> Bool {
            shelf.changed(id, member, at: now)
        }
        func due(at now: Double) -> [LentShelf.Question] { shelf.due(at: now) }
        func answered(_ question: LentShelf.Question, _ file: LentFile?, at now: Double) -> Int {
            shelf.answered(question, file, at: now)
        }
        var files: [LentFile] { shelf.files }
        var tiers: [LentShelf.OthersTier] { shelf.tiers }
    }

    private static func member(
        _ name: String, _ health: Membership.Health = .up, tiers: [TierReport] = [report("plan"), report("small")],
        epoch: UInt64 = 1
    ) -> Membership.Member? {
        let description = NodeDescription(
            id: NodeID(name), name: name, cluster: ClusterID("c"), clusterName: "team", version: "1",
            machine: .init(platform: "linux", accelerator: nil, modelMemory: 1, memory: 1), epoch: epoch, tiers: tiers)
        let place = Place(host: "h", port: 1)
        var membership = Membership(own: NodeID("self"), cluster: ClusterID("c"))
        _ = membership.named(place)
        _ = membership.described(Membership.lead(to: place), description, from: place, at: 0)
        var member = membership.members[NodeID(name)]
        member?.health = health
        return member
    }

    private static func report(
        _ name: String, shared: Bool = true, state: TierState = .stopped, family: String = "f"
    ) -> TierReport {
        TierReport(
            name: name, aliases: ["\(name)-alias"], role: "plan", shared: shared,
            fingerprint: .init(family: family), state: state)
    }

    private static func file(_ name: String) throws -> LentFile {
        try LentFile(node: NodeID(name), name: name, text: ini)
    }

    @Test func `A node is asked as it comes and whenever its tiers are others, and for nothing else`() throws {
        let shelf = Shelf()
        #expect(shelf.changed(NodeID("a"), Self.member("a"), at: 0))
        let asked = shelf.due(at: 0)
        #expect(asked.map(\.name) == ["a"])
        // Not twice at once.
        #expect(shelf.due(at: 0).isEmpty)
        #expect(shelf.answered(try #require(asked.first), try Self.file("a"), at: 1) == 0)
        #expect(shelf.files.map(\.tiers.count) == [2])
        var busy = Self.report("plan", state: .ready)
        busy.busy = 3
        #expect(!shelf.changed(NodeID("a"), Self.member("a", .suspect, tiers: [busy, Self.report("small")]), at: 2))
        #expect(shelf.due(at: 2).isEmpty)
        for (tiers, epoch): ([TierReport], UInt64) in [
            ([Self.report("plan", family: "g"), Self.report("small")], 1), ([Self.report("plan", family: "g")], 1),
            ([Self.report("plan", family: "g"), Self.report("small", shared: false), Self.report("new")], 1),
            ([Self.report("plan", family: "g"), Self.report("new")], 2),
        ] {
            #expect(shelf.changed(NodeID("a"), Self.member("a", tiers: tiers, epoch: epoch), at: 3))
            let question = try #require(shelf.due(at: 3).first)
            _ = shelf.answered(question, try Self.file("a"), at: 3)
        }
        // A hidden tier is nothing that anybody need be asked about.
        let hidden = [Self.report("plan", family: "g"), Self.report("new"), Self.report("x", shared: false)]
        #expect(!shelf.changed(NodeID("a"), Self.member("a", tiers: hidden, epoch: 2), at: 4))
        #expect(shelf.files.map { $0.tiers.map(\.tier.name) } == [["plan"]])
        // In the end it is asked anyway.
        #expect(shelf.due(at: 3 + LentShelf.refresh - 1).isEmpty)
        #expect(shelf.due(at: 3 + LentShelf.refresh).count == 1)
    }

    @Test func `Who does not answer is asked again, ever more rarely, and news are not waited with`() throws {
        let shelf = Shelf()
        _ = shelf.changed(NodeID("a"), Self.member("a"), at: 0)
        var now = 0.0
        for (failures, pause) in [1.0, 2, 4, 8, 16, 32, 60, 60].enumerated() {
            let question = try #require(shelf.due(at: now).first)
            #expect(shelf.answered(question, nil, at: now) == failures + 1)
            #expect(shelf.due(at: now + pause - 0.1).isEmpty)
            now += pause
        }
        let question = try #require(shelf.due(at: now).first)
        // Meanwhile there is another tier: the answer may be without it.
        #expect(shelf.changed(NodeID("a"), Self.member("a", tiers: [Self.report("other")]), at: now))
        #expect(shelf.due(at: now).isEmpty)
        #expect(shelf.answered(question, try Self.file("a"), at: now) == 0)
        #expect(shelf.due(at: now).count == 1)
    }

    @Test(arguments: [Membership.Health.down, .incompatible, .foreign, nil])
    func `What a node lends goes with it, and an answer that comes late is for nobody`(
        _ health: Membership.Health?
    ) throws {
        let shelf = Shelf()
        _ = shelf.changed(NodeID("a"), Self.member("a"), at: 0)
        let question = try #require(shelf.due(at: 0).first)
        _ = shelf.answered(question, try Self.file("a"), at: 0)
        #expect(shelf.files.count == 1 && shelf.tiers.count == 2)
        #expect(shelf.changed(NodeID("a"), Self.member("a", epoch: 2), at: 1))
        let late = try #require(shelf.due(at: 1).first)
        _ = shelf.changed(NodeID("a"), health.flatMap { Self.member("a", $0) }, at: 2)
        #expect(shelf.files.isEmpty && shelf.tiers.isEmpty)
        _ = shelf.answered(late, try Self.file("a"), at: 3)
        #expect(shelf.files.isEmpty && shelf.due(at: 1000).isEmpty)
        // It is back before the answer is.
        #expect(shelf.changed(NodeID("a"), Self.member("a"), at: 4))
        _ = shelf.answered(late, try Self.file("a"), at: 4)
        #expect(shelf.files.isEmpty && shelf.due(at: 4).count == 1)
    }

    @Test func `Only so many are asked at a time`() {
        let shelf = Shelf()
        for index in 0..<100 { _ = shelf.changed(NodeID("n\(index)"), Self.member("n\(index)"), at: Double(index)) }
        let first = shelf.due(at: 100)
        #expect(first.map(\.name) == (0..<LentShelf.concurrency).map { "n\($0)" })
        #expect(shelf.due(at: 100).isEmpty)
        _ = shelf.answered(first[0], nil, at: 100)
        #expect(shelf.due(at: 100).map(\.name) == ["n\(LentShelf.concurrency)"])
        let idle = Shelf()
        _ = idle.changed(NodeID("a"), Self.member("a", tiers: [Self.report("x", shared: false)]), at: 0)
        #expect(idle.due(at: 0).isEmpty)
    }

    @Test func `The list has what can be served, by whom, and the best description that there is`() throws {
        let shelf = Shelf()
        _ = shelf.changed(NodeID("b"), Self.member("b"), at: 0)
        let question = try #require(shelf.due(at: 0).first)
        _ = shelf.answered(question, try Self.file("b"), at: 0)
        let tiers = [
            Self.report("zeta"), Self.report("plan", state: .loading), Self.report("gone", state: .absent),
            Self.report("big", state: .unfit), Self.report("broken", state: .failed),
            Self.report("odd", state: .unknown), Self.report("own", shared: false),
        ]
        _ = shelf.changed(NodeID("c"), Self.member("c", .suspect, tiers: tiers), at: 0)
        #expect(shelf.tiers.map(\.name) == ["plan", "small", "zeta"])
        #expect(shelf.tiers.map(\.hosts) == [["b", "c"], ["b"], ["c"]])
        #expect(shelf.tiers.map(\.description) == ["Plans", "small", "zeta"])
    }
}
