import Cluster
import Testing

/// Leads that change whom they lead to, and nodes that change where they belong.
struct MembershipLeadTests {
    private static let place = Place(host: "h", port: 1)
    private static let address = Membership.lead(to: place)
    private static let service = Lead.service(name: "a", host: "a.local")
    private static let id = NodeID("aaaaaaaa")
    private static let memory = Lead.memory(id)

    private static func membership() -> Membership {
        Membership(own: NodeID("self0000"), cluster: ClusterID("ours0000"))
    }

    private static func description(
        _ id: String = "aaaaaaaa", cluster: String = "ours0000", version: Int = 1
    ) -> NodeDescription {
        var description = NodeDescription(
            id: NodeID(id), name: "a", cluster: ClusterID(cluster), clusterName: "team", version: "1",
            machine: .init(platform: "linux", accelerator: nil, modelMemory: 0, memory: 0), epoch: 1)
        description.protocolVersion = version
        return description
    }

    private static func record(
        _ id: String = "aaaaaaaa", cluster: String = "ours0000", generation: Int = 1
    ) -> Advertisement.Reading {
        .known(
            Advertisement(
                cluster: ClusterID(cluster), clusterName: "team", node: NodeID(id), generation: generation, tiers: []))
    }

    private static func health(_ membership: Membership) -> [String] {
        membership.members.values.map { "\($0.id).\($0.health)" }.sorted()
    }

    /// A router that has just started, and reached a node where it was.
    private static func recalled() -> Membership {
        var membership = membership()
        _ = membership.remembered(id, at: [place])
        _ = membership.described(memory, description(), from: place, at: 0)
        return membership
    }

    // MARK: Other nodes at old leads

    @Test("A peer that says it is another node each time is one member")
    func manyNames() {
        var membership = Self.membership()
        _ = membership.named(Self.place)
        for number in 1000..<3000 {
            _ = membership.described(Self.address, Self.description("node\(number)"), from: Self.place, at: 0)
        }
        #expect(Self.health(membership) == ["node2999.up"])
    }

    @Test("Where another node answers at a named address, the old one is no member any more")
    func replaced() {
        var membership = Self.membership()
        _ = membership.named(Self.place)
        _ = membership.described(Self.address, Self.description(), from: Self.place, at: 0)
        _ = membership.streamEnded(Self.address, "reset", at: 1)
        let actions = membership.described(Self.address, Self.description("bbbbbbbb"), from: Self.place, at: 2)
        #expect(actions.first == .changed(Self.id, from: .down, to: nil, .replaced(NodeID("bbbbbbbb"))))
        #expect(Self.health(membership) == ["bbbbbbbb.up"])
        _ = membership.lost(Self.address)
        #expect(membership.members.isEmpty)
    }

    @Test("A service at which another node describes itself than it announces has failed")
    func otherThanAnnounced() {
        var membership = Self.membership()
        _ = membership.sighted(Self.service, at: [Self.place], Self.record())
        _ = membership.described(Self.service, Self.description("bbbbbbbb"), from: Self.place, at: 0)
        #expect(Self.health(membership) == ["aaaaaaaa.down"])
    }

    @Test("A service that announces another newer node each time is one member")
    func manyNewer() {
        var membership = Self.membership()
        for number in 1000..<1100 {
            _ = membership.sighted(
                Self.service, at: [Self.place],
                .incompatible(version: "2", node: NodeID("node\(number)"), clusterName: "team"))
        }
        #expect(Self.health(membership) == ["node1099.incompatible"])
    }

    @Test("There are no more members than leads are kept")
    func limit() {
        var membership = Self.membership()
        for number in 0..<Membership.leadLimit {
            _ = membership.sighted(
                .service(name: "n\(number)", host: "h"), at: [Self.place],
                .incompatible(version: "2", node: NodeID("node\(10_000 + number)"), clusterName: "team"))
        }
        _ = membership.named(Self.place)
        _ = membership.described(Self.address, Self.description(), from: Self.place, at: 0)
        #expect(membership.members.count == Membership.leadLimit)
        #expect(membership.members[Self.id] == nil)
    }

    // MARK: From memory to service

    @Test("A node that was reached by memory keeps its stream when its service is found, and leaves with it")
    func handedOver() {
        var membership = Self.recalled()
        let actions = membership.sighted(Self.service, at: [Self.place], Self.record())
        #expect(actions == [.handOver(Self.memory, to: Self.service)])
        #expect(membership.members[Self.id]?.lead == Self.service)
        _ = membership.pinged(Self.service, at: 5)
        #expect(membership.members[Self.id]?.lastWord == 5)
        #expect(membership.lost(Self.service) == [.probe(Self.service, Self.place)])
        let gone = membership.streamEnded(Self.service, "reset", at: 6)
        #expect(membership.members.isEmpty)
        // It is still tried where it was.
        #expect(gone.last == .follow(Self.memory, [Self.place], Self.id, after: 0))
    }

    @Test("So it is with one that is found while it is down, and with one that answers by memory first")
    func handedOverLater() {
        var down = Self.recalled()
        _ = down.streamEnded(Self.memory, "reset", at: 1)
        let follow = Membership.Action.follow(Self.service, [Self.place], Self.id, after: 0)
        #expect(down.sighted(Self.service, at: [Self.place], Self.record()) == [follow])
        _ = down.lost(Self.service)
        #expect(down.members.isEmpty)

        var first = Self.membership()
        _ = first.remembered(Self.id, at: [Self.place])
        _ = first.sighted(Self.service, at: [Self.place], Self.record())
        let actions = first.described(Self.memory, Self.description(), from: Self.place, at: 0)
        #expect(actions.last == .handOver(Self.memory, to: Self.service))
        #expect(Self.health(first) == ["aaaaaaaa.up"])
    }

    @Test("A node that is only remembered and stays away is no member after a while, but still tried")
    func away() {
        var membership = Self.recalled()
        _ = membership.tick(at: 0)
        _ = membership.streamEnded(Self.memory, "reset", at: 1)
        for now in 1...60 { _ = membership.tick(at: Double(now)) }
        #expect(Self.health(membership) == ["aaaaaaaa.down"])
        #expect(membership.tick(at: 61) == [.changed(Self.id, from: .down, to: nil, .away)])
        let actions = membership.streamEnded(Self.memory, "reset", at: 62)
        #expect(actions.count == 1 && membership.members.isEmpty)
        _ = membership.described(Self.memory, Self.description(), from: Self.place, at: 70)
        #expect(Self.health(membership) == ["aaaaaaaa.up"])
    }

    @Test("A node that was named stays on the list however long it is down")
    func namedStays() {
        var membership = Self.membership()
        _ = membership.named(Self.place)
        _ = membership.described(Self.address, Self.description(), from: Self.place, at: 0)
        _ = membership.streamEnded(Self.address, "reset", at: 1)
        for now in 1...200 { _ = membership.tick(at: Double(now)) }
        #expect(Self.health(membership) == ["aaaaaaaa.down"])
    }

    // MARK: Strangers

    @Test(
        "A stranger is asked again after a while, and is a member once it is one of ours",
        arguments: [description(cluster: "theirs00"), description(version: 2), description("self0000")])
    func askedAgain(_ stranger: NodeDescription) {
        var membership = Self.membership()
        _ = membership.named(Self.place)
        let again = Membership.Action.follow(Self.address, [Self.place], nil, after: Membership.strangerRetry)
        let actions = membership.described(Self.address, stranger, from: Self.place, at: 0)
        #expect(Array(actions.prefix(2)) == [.unfollow(Self.address), again])
        _ = membership.described(Self.address, Self.description(), from: Self.place, at: 60)
        #expect(Self.health(membership) == ["aaaaaaaa.up"])
    }

    @Test("So is what spoke a newer protocol")
    func spokeNewer() {
        var membership = Self.membership()
        _ = membership.named(Self.place)
        for now in [0.0, 60] {
            let actions = membership.spoke(Self.address, version: 2, Self.id, at: now)
            #expect(actions.contains(.follow(Self.address, [Self.place], nil, after: Membership.strangerRetry)))
        }
        _ = membership.described(Self.address, Self.description(), from: Self.place, at: 120)
        #expect(Self.health(membership) == ["aaaaaaaa.up"])
    }

    @Test("A stranger that announces our cluster is asked at once")
    func announcesOurs() {
        var membership = Self.membership()
        _ = membership.named(Self.place)
        _ = membership.described(Self.address, Self.description(cluster: "theirs00"), from: Self.place, at: 0)
        let follow = Membership.Action.follow(Self.service, [Self.place], Self.id, after: 0)
        #expect(membership.sighted(Self.service, at: [Self.place], Self.record()) == [follow])
        // It has not changed its mind yet; then it has.
        _ = membership.described(Self.service, Self.description(cluster: "theirs00"), from: Self.place, at: 1)
        #expect(membership.sighted(Self.service, at: [Self.place], Self.record()) == [])
        #expect(membership.sighted(Self.service, at: [Self.place], Self.record(generation: 2)) == [follow])
        _ = membership.described(Self.service, Self.description(), from: Self.place, at: 2)
        #expect(Self.health(membership) == ["aaaaaaaa.up"])
    }

    @Test("A stranger whose service is withdrawn is gone at once, and followed no more")
    func strangerLeaves() {
        var membership = Self.membership()
        _ = membership.sighted(Self.service, at: [Self.place], Self.record())
        _ = membership.spoke(Self.service, version: 2, Self.id, at: 0)
        #expect(membership.lost(Self.service).first == .unfollow(Self.service))
        #expect(membership.members.isEmpty)
    }
}
