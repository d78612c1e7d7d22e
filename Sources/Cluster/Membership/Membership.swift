/// Which nodes there are, and how they fare: events and the time in, actions out.
///
/// A **lead** says where a node may be; what the node says of itself, over the events stream that the lead is followed by,
/// says who it is. Two leads to one node are one member.
///
/// 1. A service that is announced as another cluster's, as this node's own or as an incompatible node's is not followed.
///    Where only the answer says so, the lead is followed again after a while.
/// 2. Every other lead is followed until the node is up over one of them: a node that is up or suspect has one stream. While
///    it is down, each of its leads is tried.
/// 3. A described node that is new is up at once. One that was in doubt is up after two pings, of which those that come at
///    once count as one: they have waited for this node or for the network, and say nothing of now.
/// 4. One missed ping: suspect, and probed on fresh connections. Three, and a failed probe: down. One that is
///    answered ends the silence, and has the stream opened anew.
/// 5. A connection that is refused, reset or ended is evidence at once: down. One that is only not made in time is
///    silence, for a node that was up or suspect.
/// 6. When all nodes fall silent in one tick, or the clock jumped, this node is what is wrong: verdicts wait. As long as all
///    nodes are silent, none is down for its silence, within bounds: probes go on. After a jump of ``sleep`` what was known
///    is old: who was up is suspect, and probed at the next tick, for its stream may have ended unheard.
/// 7. A withdrawn service is forgotten once its stream is over; until then it is only a reason to probe.
/// 8. A node belongs to one lead, whose end is the node's. A service takes over from memory: who is announced says goodbye.
/// 9. A lead that leads to another node than before leads to that alone.
/// 10. A node that was only remembered and is down for long is a member no more, and still tried.
/// 11. A life that another lead tells of, while the stream of the one before is silent, is the node's: it began since.
///    While that stream is not silent, it is opened anew and tells: who else answers may pretend to be the node.
package struct Membership: Sendable, Codable {
    package enum Health: String, Equatable, Sendable, Codable, BitwiseCopyable {
        case up
        /// Gets no new work where another can do it.
        case suspect
        case down
        /// Speaks a newer protocol.
        case incompatible
        /// Belongs to another cluster: somebody named its address.
        case foreign
    }

    package struct Member: Equatable, Sendable, Codable {
        package var id: NodeID
        package var health: Health
        package var lead: Lead
        /// Where it was reached; nil before.
        package var place: Place?
        package var places: [Place]
        /// The last whole description, with all changes in it; nil before.
        package var description: NodeDescription?
        /// What it advertises to be called, until it says so itself.
        package var advertisedName: String
        /// When it was last heard: seconds of the caller's clock; nil before.
        package var lastWord: Double?
        /// Why its health is what it is.
        package var evidence: Evidence
    }

    package enum Action: Equatable, Sendable, Codable {
        /// Open an events stream to the first of the places where the node answers, after so many seconds. nil: whoever
        /// answers is the node.
        case follow(Lead, [Place], NodeID?, after: Double)
        /// Close it.
        case unfollow(Lead)
        /// The stream of the first lead is the second's from now on; one that the second has is closed.
        case handOver(Lead, to: Lead)
        /// Ask on a fresh connection whether it is there.
        case probe(Lead, Place)
        /// For the log and the ledger. nil: not a member.
        case changed(NodeID, from: Health?, to: Health?, Evidence)
    }

    /// Seconds between pings: ``NodeDescription`` streams send one a second (design of the node API).
    package static let pingInterval = 1.0
    /// Seconds between two pings that count as two: half an interval of leeway for the network.
    static let pingDistance = pingInterval / 2
    /// Seconds of silence: one ping missed, half an interval of leeway for the network.
    package static let suspectAfter = 1.5
    /// Seconds of silence after which a failed probe says down: three pings missed. A probe takes a second, a tick a tenth of
    /// one: 4.5 in all.
    package static let downAfter = 3.4
    /// Seconds between two looks at the clock that mean this host was suspended or starved.
    package static let clockJump = 2.5
    /// Seconds between two looks at the clock after which nothing is believed that was known before: ten pings.
    package static let sleep = 10.0
    /// Seconds that verdicts wait when everybody fell silent at once.
    package static let selfBlame = 3.0
    /// Seconds that nobody is down for silence while everybody is silent: longer than a network takes to come back after
    /// a change of its access point, and short enough for who waits for a host that is gone with all others.
    package static let aloneLimit = 30.0
    /// Seconds between two probes meanwhile.
    package static let probeInterval = 1.0
    /// A lead that failed is followed again after a quarter of the time that it has been failing, so that a restart is
    /// noticed soon and a dead host costs little; in seconds never sooner than the first and never later than the second: a
    /// node that is back is up within five, of which a try that has just begun takes one in vain, and two pings two.
    package static let retryFirst = 0.1
    package static let retryLimit = 1.5
    package static let retryShare = 0.25
    /// The same for a node that is only remembered: nobody says that it is still there.
    package static let memoryRetryLimit = 60.0
    /// Seconds until a lead is followed again at which this node itself, another cluster's or an incompatible one answered.
    /// Such a node changes when a person does something to it, and a minute is what a person waits.
    package static let strangerRetry = 60.0
    /// Seconds that a node may be down and a member although nobody announces it: what a restart of its host takes.
    package static let memoryPatience = 60.0
    /// Nodes and leads that are kept at most: a flood of records must not fill memory.
    package static let leadLimit = 1024

    struct Trail: Sendable, Codable {
        var places: [Place]
        var isAdvertised: Bool
        var hint: Advertisement?
        var isFollowed = false
        /// When the first of the failures was after which no ping has been heard.
        var failingSince: Double?
        /// Who answered there, or was remembered.
        var node: NodeID?
        var pingsSinceDoubt = 0
        /// When the last of them came that counts.
        var countedPing = -Double.infinity
        var probed = false
        /// When it may be probed again.
        var probeFrom = -Double.infinity

        /// Who must answer; an address that was named may lead to anybody.
        var expected: NodeID? { hint?.node ?? (isMemory ? node : nil) }
        /// Whose lead it is, as far as one can tell.
        var whose: NodeID? { node ?? hint?.node }
        var isMemory = false

        /// Seconds until it is followed again.
        func delay(at now: Double) -> Double {
            guard let failingSince else { return 0 }
            return min(
                isMemory ? Membership.memoryRetryLimit : Membership.retryLimit,
                max(Membership.retryFirst, (now - failingSince) * Membership.retryShare))
        }
    }

    package let own: NodeID
    package let cluster: ClusterID
    package internal(set) var members: [NodeID: Member] = [:]
    var trails: [Lead: Trail] = [:]
    /// Leads that are known: at most ``leadLimit``.
    package var leadCount: Int { trails.count }
    private var lastTick: Double?
    private var verdictsFrom = -Double.infinity
    /// Since when everybody is silent, of two or more; nil while somebody is not.
    private var aloneSince: Double?

    package init(own: NodeID, cluster: ClusterID) {
        self.own = own
        self.cluster = cluster
    }

    // MARK: Time

    /// To be called every tenth of a second or so.
    package mutating func tick(at now: Double) -> [Action] {
        defer { lastTick = now }
        // 6
        if let lastTick, now - lastTick > Self.sleep {
            verdictsFrom = now
            return members.values.filter { $0.health == .up }.sorted { $0.id.description < $1.id.description }.flatMap {
                trails[$0.lead]?.pingsSinceDoubt = 0
                trails[$0.lead]?.probed = false
                return judge($0.id, .suspect, .slept(now - lastTick))
            }
        }
        if let lastTick, now - lastTick > Self.clockJump {
            for id in members.keys where members[id]?.lastWord != nil { members[id]?.lastWord = now }
            verdictsFrom = now
            return []
        }
        let watched = members.values.filter { ($0.health == .up || $0.health == .suspect) && $0.lastWord != nil }
        let silent = watched.filter { now - ($0.lastWord ?? now) > Self.suspectAfter }
        let isAlone = watched.count > 1 && silent.count == watched.count
        aloneSince = isAlone ? aloneSince ?? now : nil
        if isAlone, silent.allSatisfy({ $0.health == .up }), verdictsFrom + 2 * Self.selfBlame < now {
            verdictsFrom = now + Self.selfBlame
        }
        var actions = forgetWhoIsAway(at: now)
        guard now >= verdictsFrom else { return actions }
        for member in silent.sorted(by: { $0.id.description < $1.id.description }) {
            let silence = now - (member.lastWord ?? now)
            // 4
            if member.health == .up {
                trails[member.lead]?.pingsSinceDoubt = 0
                actions += judge(member.id, .suspect, .silent(silence))
            }
            if let trail = trails[member.lead], !trail.probed, now >= trail.probeFrom, let place = member.place {
                trails[member.lead]?.probed = true
                actions.append(.probe(member.lead, place))
            }
        }
        return actions
    }

    /// 6
    func blamesItself(at now: Double) -> Bool { aloneSince.map { now - $0 < Self.aloneLimit } ?? false }

    private mutating func forgetWhoIsAway(at now: Double) -> [Action] {
        // 10
        let away = members.values.filter { member in
            guard case .memory = member.lead, member.health == .down else { return false }
            return now - (trails[member.lead]?.failingSince ?? now) >= Self.memoryPatience
        }
        return away.sorted { $0.id.description < $1.id.description }.map { member in
            members[member.id] = nil
            return .changed(member.id, from: .down, to: nil, .away)
        }
    }

    mutating func judge(_ id: NodeID, _ health: Health, _ evidence: Evidence) -> [Action] {
        guard let old = members[id]?.health, old != health else { return [] }
        members[id]?.health = health
        members[id]?.evidence = evidence
        return [.changed(id, from: old, to: health, evidence)]
    }

    func leadName(_ lead: Lead, _ other: String) -> String {
        switch lead {
        case .service(let name, _): name.printable()
        case .memory(let node): other.isEmpty ? node.description : other
        case .address(let address): other.isEmpty ? address : other
        }
    }
}
