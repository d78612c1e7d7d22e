import Cluster
import Testing

/// Stories of nodes, told in words: `TIME WORD NODE`, parted by semicolons.
///
/// `see` a service is found, `lose` it is withdrawn, `add` and `remove` its address is named and no more, `hear` it
/// describes itself, `ping`, `end` its stream ends, `late` a new one is not opened in time, `answer` and `miss` a probe does or does not, `tick` time passes.
private struct Story {
    var membership = Membership(own: NodeID("self0000"), cluster: ClusterID("ours0000"))
    var actions: [Membership.Action] = []
    /// How many probes were asked for.
    var probes = 0

    init(_ text: String) { tell(text) }

    mutating func tell(_ text: String) {
        for line in text.split(separator: ";") {
            let words = line.split(separator: " ").map(String.init)
            tell(Double(words[0]) ?? 0, words[1], words.count > 2 ? words[2] : "")
        }
    }

    static func lead(_ node: String) -> Lead { .service(name: node, host: "\(node).local") }
    static func places(_ node: String) -> [Place] { [Place(host: "\(node).local", port: 10103)] }

    static func description(_ node: String, cluster: String = "ours0000", epoch: UInt64 = 1) -> NodeDescription {
        NodeDescription(
            id: NodeID("\(node)0000000"), name: node, cluster: ClusterID(cluster), clusterName: "team", version: "1",
            machine: .init(platform: "linux", accelerator: nil, modelMemory: 0, memory: 0), epoch: epoch,
            tiers: [TierReport(name: "plan", fingerprint: .init(family: "f"))])
    }

    mutating func tell(_ now: Double, _ word: String, _ node: String) {
        let lead = Self.lead(node)
        let place = Self.places(node)[0]
        switch word {
        case "see":
            let reading = Advertisement.Reading.known(
                Advertisement(
                    cluster: ClusterID("ours0000"), clusterName: "team", node: NodeID("\(node)0000000"), generation: 1,
                    tiers: []))
            actions = membership.sighted(lead, at: Self.places(node), reading)
        case "lose": actions = membership.lost(lead)
        case "add": actions = membership.named(place)
        case "remove": actions = membership.lost(Membership.lead(to: place))
        case "recall": actions = membership.remembered(NodeID("\(node)0000000"), at: Self.places(node))
        case "hear-again":
            actions = membership.described(
                .memory(NodeID("\(node)0000000")), Self.description(node), from: place, at: now)
        case "end-again": actions = membership.streamEnded(.memory(NodeID("\(node)0000000")), "reset", at: now)
        case "hear": actions = membership.described(lead, Self.description(node), from: place, at: now)
        case "restart": actions = membership.described(lead, Self.description(node, epoch: 2), from: place, at: now)
        case "hear-there":
            actions = membership.described(Membership.lead(to: place), Self.description(node), from: place, at: now)
        case "end-there": actions = membership.streamEnded(Membership.lead(to: place), "reset", at: now)
        case "ping": actions = membership.pinged(lead, at: now)
        case "end": actions = membership.streamEnded(lead, "reset", at: now)
        case "late": actions = membership.streamEnded(lead, "no reply in time", isSilence: true, at: now)
        case "answer": actions = membership.probed(lead, answered: true, at: now)
        case "miss": actions = membership.probed(lead, answered: false, at: now)
        default: actions = membership.tick(at: now)
        }
        probes += actions.count { if case .probe = $0 { true } else { false } }
    }

    /// `a.up b.down`
    var state: String {
        membership.members.values.map { "\($0.id.description.first.map(String.init) ?? "").\($0.health.rawValue)" }
            .sorted().joined(separator: " ")
    }

    var follows: [Double] {
        actions.compactMap { if case .follow(_, _, _, let delay) = $0 { delay } else { nil } }
    }
}

struct MembershipTests {
    @Test(
        "Nodes come, fall silent, come back and go",
        arguments: [
            ("0 see a", ""),
            ("0 see a; 0 hear a", "a.up"),
            ("0 see a; 0 hear a; 1 ping a; 2.4 tick", "a.up"),
            ("0 see a; 0 hear a; 1.4 tick; 1.6 tick", "a.suspect"),
            // Two pings, not one.
            ("0 see a; 0 hear a; 1.6 tick; 1.7 ping a", "a.suspect"),
            ("0 see a; 0 hear a; 1.6 tick; 1.7 ping a; 2.7 ping a", "a.up"),
            // Nor two that have waited for each other.
            ("0 see a; 0 hear a; 1.6 tick; 1.7 ping a; 1.7 ping a; 1.8 ping a", "a.suspect"),
            ("0 see a; 0 hear a; 1.6 tick; 1.7 ping a; 1.7 ping a; 2.2 ping a", "a.up"),
            // Silence alone never says down: a probe does.
            ("0 see a; 0 hear a; 1.6 tick; 3.6 tick", "a.suspect"),
            ("0 see a; 0 hear a; 1.6 tick; 3.6 tick; 4.6 miss a", "a.down"),
            ("0 see a; 0 hear a; 1.6 tick; 3.6 tick; 3.7 answer a", "a.suspect"),
            // It is probed from the first missed ping on, and down after the third.
            ("0 see a; 0 hear a; 1.6 tick; 2.6 miss a", "a.suspect"),
            ("0 see a; 0 hear a; 1.6 tick; 2.6 miss a; 2.7 tick; 3.6 miss a", "a.down"),
            // A new stream that is not opened in time is no more than silence.
            ("0 see a; 0 hear a; 1.6 tick; 2 answer a; 3 late a", "a.suspect"),
            ("0 see a; 0 hear a; 1.6 tick; 2 answer a; 3 late a; 3.5 tick; 5.5 miss a", "a.down"),
            // An answer is a word like any other.
            ("0 see a; 0 hear a; 1.6 tick; 2 answer a; 3 late a; 3.5 tick; 4.4 miss a", "a.suspect"),
            ("0 see a; 0 hear a; 1 late a", "a.up"),
            ("0 see a; 0 hear a; 1 late a; 1.6 tick; 2.6 miss a; 2.7 tick; 3.6 miss a", "a.down"),
            // A connection that ends is evidence at once.
            ("0 see a; 0 hear a; 0.1 end a", "a.down"),
            ("0 see a; 0 end a", "a.down"),
            ("0 see a; 0 hear a; 0.1 end a; 1 hear a", "a.suspect"),
            ("0 see a; 0 hear a; 0.1 end a; 1 hear a; 2 ping a; 3 ping a", "a.up"),
            // Another epoch is another life: nothing is held against it.
            ("0 see a; 0 hear a; 0.1 end a; 1 restart a", "a.up"),
            ("0 see a; 0 hear a; 1.6 tick; 2 restart a", "a.up"),
            ("0 see a; 0 hear a; 1.6 tick; 2 hear a", "a.suspect"),
            // A goodbye is believed once the stream ends too, in either order.
            ("0 see a; 0 hear a; 1 lose a", "a.up"),
            ("0 see a; 0 hear a; 1 lose a; 1 end a", ""),
            ("0 see a; 0 hear a; 1 lose a; 1 miss a", ""),
            ("0 see a; 0 hear a; 1 end a; 1 lose a", ""),
            ("0 see a; 1 lose a", ""),
            // A mute host: mDNS forgot it, its stream still says nothing of an end.
            ("0 see a; 0 hear a; 0 see b; 0 hear b; 1 ping b; 1.6 tick", "a.suspect b.up"),
            // Two leads to one node.
            ("0 see a; 0 hear a; 1 add a; 1 hear-there a", "a.up"),
            ("0 see a; 0 hear a; 1 add a; 1 hear-there a; 2 end a; 2.1 hear-there a", "a.suspect"),
            ("0 add a; 0 hear-there a; 1 remove a", ""),
            ("0 add a; 0 hear-there a; 1 end-there a", "a.down"),
            // What is only remembered is no node until it answers.
            ("0 recall a; 0 end-again a; 9 end-again a", ""),
            ("0 recall a; 0 hear-again a", "a.up"),
            ("0 recall a; 0 end-again a; 1 see a; 1 hear a; 2 end-again a", "a.up"),
        ])
    func story(_ text: String, _ expected: String) {
        #expect(Story(text).state == expected)
    }

    @Test("When everybody falls silent at once, the router blames itself, for a while")
    func selfBlame() {
        let silent =
            "0 see a; 0 hear a; 0 see b; 0 hear b; 7 tick; 8 tick; 9 ping a; 9 ping b; 9 tick"
        #expect(Story(silent).state == "a.up b.up")
        #expect(
            Story("0 see a; 0 hear a; 0 see b; 0 hear b; 7 tick; 8 tick; 9 tick; 10.1 tick").state
                == "a.suspect b.suspect")
    }

    @Test("A host that was starved judges nobody by what it did not hear")
    func starved() {
        #expect(Story("0 see a; 0 hear a; 0.5 tick; 6 tick; 6.5 tick; 7 tick").state == "a.up")
        #expect(Story("0 see a; 0 hear a; 0.5 tick; 6 tick; 7 tick; 8 tick").state == "a.suspect")
    }

    @Test("A new life is believed over whatever lead it is told, where the old one's stream is silent")
    func newLifeOverAnotherLead() {
        let silent = "0 add a; 0 see a; 0 hear-there a; 1.6 tick"
        let story = Story(silent + "; 2 restart a")
        #expect(story.state == "a.up")
        #expect(story.membership.members.values.map(\.description?.epoch) == [2])
        #expect(story.actions.first == .unfollow(Membership.lead(to: Story.places("a")[0])))
        // The same life needs no second stream.
        #expect(Story(silent + "; 2 hear a").actions == [.unfollow(Story.lead("a"))])
    }

    @Test("A node that is heard tells itself whether it began anew, whatever is said in its name elsewhere")
    func newLifeOfAnother() {
        var story = Story("0 add a; 0 see a; 0 hear-there a; 1 restart a")
        let known = Membership.lead(to: Story.places("a")[0])
        #expect(
            story.actions
                == [.unfollow(Story.lead("a")), .unfollow(known), .follow(known, Story.places("a"), nil, after: 0)])
        #expect(story.membership.members.values.map(\.description?.epoch) == [1])
        // It lives on: the other one was not the node, and has no stream.
        story.tell("1.1 hear-there a; 1.2 ping a")
        #expect(story.state == "a.up")
        #expect(story.membership.members.values.map(\.lead) == [known])
    }

    @Test("A probe whose answer comes after a pause of this host's says nothing, and another is made")
    func probeAcrossPause() {
        let paused = Story("0 see a; 0 hear a; 0.1 tick; 1.6 tick; 6.6 tick; 6.7 miss a")
        #expect(paused.state == "a.suspect")
        #expect(paused.actions.isEmpty)
        #expect(
            Story("0 see a; 0 hear a; 0.1 tick; 1.6 tick; 6.6 tick; 6.7 miss a; 8.2 tick").actions
                == [.probe(Story.lead("a"), Story.places("a")[0])])
    }

    @Test("A host that slept believes nothing that it knew, and asks at once")
    func slept() {
        let woken = "0 see a; 0 hear a; 0.5 tick; 600 tick"
        #expect(Story(woken).state == "a.suspect")
        #expect(Story(woken).membership.members.values.first?.evidence == .slept(599.5))
        let asking = Story(woken + "; 600.5 tick")
        #expect(asking.actions == [.probe(Story.lead("a"), Story.places("a")[0])])
        #expect(asking.state == "a.suspect")
        // Its stream lives.
        #expect(Story(woken + "; 600.2 ping a; 601.2 ping a; 601.3 tick").state == "a.up")
        // It has ended unheard.
        let answered = Story(woken + "; 600.5 tick; 600.6 answer a")
        #expect(answered.actions.first == .unfollow(Story.lead("a")))
        #expect(answered.follows == [0])
        #expect(Story(woken + "; 600.5 tick; 603 miss a").state == "a.down")
    }

    @Test(
        "As long as everybody is silent, nobody is down for it, within bounds",
        arguments: [
            ("4.6 miss a; 4.6 miss b; 5 tick; 7 tick", "a.suspect b.suspect"),
            // One that is heard shows that it is not this node.
            ("4.6 miss a; 5 ping b; 5.1 tick; 5.3 miss a", "a.down b.suspect"),
            ("5 tick; 6 answer a; 6 hear a; 7 ping a; 7.1 tick; 8 ping a; 8.1 tick; 8.2 miss b", "a.up b.down"),
            ("4.6 miss a; 4.6 miss b; \(ticks(to: 31)); 31.5 miss a; 31.5 miss b", "a.suspect b.suspect"),
            ("4.6 miss a; 4.6 miss b; \(ticks(to: 33)); 33.5 miss a; 33.5 miss b", "a.down b.down"),
        ])
    func alone(_ text: String, _ expected: String) {
        // One of them is silent a moment before the other.
        let silent = "0 see a; 0 hear a; 0.2 see b; 0.2 hear b; 1.6 tick; 1.8 tick; 3.5 tick; 3.7 tick"
        #expect(Story("\(silent); \(text)").state == expected)
    }

    private static func ticks(to end: Int) -> String { (5...end).map { "\($0) tick" }.joined(separator: "; ") }

    @Test("While everybody is silent, each is probed once a second")
    func probesAlone() {
        var story = Story("0 see a; 0 hear a; 0.2 see b; 0.2 hear b; 1.6 tick; 1.8 tick; 3.5 tick; 3.7 tick")
        let before = story.probes
        story.tell("4.6 miss a; 4.7 tick; 4.8 tick; 5.5 tick")
        #expect(story.probes == before)
        story.tell("5.7 tick; 5.8 tick")
        #expect(story.probes == before + 1)
    }

    @Test("A node that is gone is tried again after a quarter of the time it was gone, within bounds")
    func backoff() {
        var text = "0 see a"
        var delays: [Double] = []
        for now in [10, 10.1, 10.8, 12, 14, 100, 500] {
            text += "; \(now) end a"
            delays += Story(text).follows.map { ($0 * 1000).rounded() / 1000 }
        }
        #expect(delays == [0.1, 0.1, 0.2, 0.5, 1, 1.5, 1.5])
        #expect(Story(text + "; 600 hear a; 601 ping a; 700 end a").follows == [0.1])
    }

    @Test("A node that hangs up after each description is tried less and less often, by whatever lead")
    func hangsUp() {
        var story = Story("0 see a; 0 recall a; 0 hear a; 1 ping a")
        var now = 1.5
        var tries = 0
        while now < 61 {
            story.tell(now, "end", "a")
            var delays = story.follows
            story.tell(now, "end-again", "a")
            delays += story.follows
            // The other lead is tried at once, the first time.
            let delay = delays.min() ?? 0
            #expect(tries == 0 || delay >= Membership.retryFirst, "\(now)")
            now += max(delay, 0.01)
            story.tell(now, "hear", "a")
            story.tell(now, "hear-again", "a")
            tries += 1
        }
        #expect((20...80).contains(tries), "\(tries)")
        story.tell(62, "ping", "a")
        story.tell(70, "end", "a")
        #expect(story.follows.contains(Membership.retryFirst))
    }

    @Test("A node that turns out to speak a newer protocol is shown as that, and let be")
    func newerProtocol() {
        var story = Story("0 see a")
        let actions = story.membership.spoke(Story.lead("a"), version: 2, NodeID("a0000000"), at: 1)
        #expect(actions.first == .unfollow(Story.lead("a")))
        #expect(story.state == "a.incompatible")
    }

    @Test("A sighting of a node that is being retried does not wait for its turn")
    func newSighting() {
        var story = Story("0 see a; 1 end a")
        let news = story.membership.sighted(
            Story.lead("a"), at: [Place(host: "10.0.0.9", port: 1)],
            .known(
                Advertisement(
                    cluster: ClusterID("ours0000"), clusterName: "team", node: NodeID("a0000000"), generation: 2,
                    tiers: [])))
        #expect(news == [.follow(Story.lead("a"), [Place(host: "10.0.0.9", port: 1)], NodeID("a0000000"), after: 0)])
    }

    @Test("A name that becomes another node's, another cluster's or a newer one's is no longer followed as the old one")
    func takenOver() {
        func record(_ cluster: String, _ node: String) -> Advertisement.Reading {
            .known(
                Advertisement(
                    cluster: ClusterID(cluster), clusterName: "team", node: NodeID(node), generation: 1, tiers: []))
        }
        let lead = Story.lead("a")
        let readings: [(Advertisement.Reading, String)] = [
            (record("ours0000", "b0000000"), ""), (record("theirs00", "a0000000"), ""),
            (.incompatible(version: "2", node: NodeID("c0000000"), clusterName: "team"), "c.incompatible"),
        ]
        for (reading, state) in readings {
            var story = Story("0 see a; 0 hear a; 1 end a")
            story.actions = story.membership.sighted(lead, at: Story.places("a"), reading)
            #expect(story.actions.first == .unfollow(lead))
            #expect(story.state == state)
        }
    }

    @Test("Other clusters, newer protocols and the node itself are not followed")
    func strangers() {
        var membership = Membership(own: NodeID("self0000"), cluster: ClusterID("ours0000"))
        let places = [Place(host: "h", port: 1)]
        func advertised(_ cluster: String, _ node: String) -> Advertisement.Reading {
            .known(
                Advertisement(
                    cluster: ClusterID(cluster), clusterName: "x", node: NodeID(node), generation: 1, tiers: []))
        }
        #expect(membership.sighted(Story.lead("a"), at: places, advertised("theirs00", "a0000000")) == [])
        #expect(membership.sighted(Story.lead("b"), at: places, advertised("ours0000", "self0000")) == [])
        #expect(membership.sighted(Story.lead("c"), at: places, .malformed) == [])
        _ = membership.sighted(
            Story.lead("d"), at: places, .incompatible(version: "2", node: NodeID("d0000000"), clusterName: "team"))
        #expect(membership.members.values.map(\.health) == [.incompatible])
        #expect(
            membership.lost(Story.lead("d")) == [
                .changed(NodeID("d0000000"), from: .incompatible, to: nil, .withdrawn)
            ])
    }

    @Test("An address that was named may lead to another cluster: shown, and not used")
    func foreign() {
        var membership = Membership(own: NodeID("self0000"), cluster: ClusterID("ours0000"))
        let place = Place(host: "h", port: 1)
        _ = membership.named(place)
        let lead = Membership.lead(to: place)
        let actions = membership.described(lead, Story.description("a", cluster: "theirs00"), from: place, at: 0)
        #expect(actions.first == .unfollow(lead))
        #expect(membership.members.values.map(\.health) == [.foreign])
    }

    @Test("An address that led to this node itself makes it no member, whatever becomes of the address")
    func ownAddress() {
        var membership = Membership(own: NodeID("self0000000"), cluster: ClusterID("ours0000"))
        let place = Place(host: "h", port: 1)
        let lead = Membership.lead(to: place)
        _ = membership.named(place)
        _ = membership.described(lead, Story.description("self"), from: place, at: 0)
        let actions = membership.streamEnded(lead, "refused", at: 60)
        #expect(actions == [.follow(lead, [place], nil, after: Membership.retryFirst)])
        #expect(membership.members.isEmpty)
    }

    @Test("Changes are applied to the description they belong to")
    func changes() {
        var story = Story("0 see a; 0 hear a")
        var tier = Story.description("a").tiers[0]
        tier.state = .ready
        _ = story.membership.changed(Story.lead("a"), NodeChange(sequence: 1, tiers: [tier]), at: 5)
        #expect(story.membership.members.values.first?.description?.tiers == [tier])
        #expect(story.membership.members.values.first?.lastWord == 5)
    }

    @Test("A flood of records fills nothing")
    func flood() {
        var membership = Membership(own: NodeID("self0000"), cluster: ClusterID("ours0000"))
        for index in 0..<(3 * Membership.leadLimit) {
            let actions = membership.sighted(
                .service(name: "n\(index)", host: "h"), at: [Place(host: "h", port: 1)],
                .known(
                    Advertisement(
                        cluster: ClusterID("ours0000"), clusterName: "team", node: NodeID("node\(10_000 + index)"),
                        generation: 1, tiers: [])))
            #expect(actions.isEmpty == (index >= Membership.leadLimit))
        }
    }
}
