/// Which nodes there are, and how they fare: events and the time in, actions out.
///
/// A **lead** says where a node may be; what the node says of itself, over the events stream that the lead is followed by,
/// says who it is. Two leads to one node are one member.
///
/// 1. A lead of another cluster, of this node itself, or of an incompatible node is not followed.
/// 2. Every other lead is followed: one stream a node.
/// 3. A described node that is new is up at once. One that was in doubt is up after two pings.
/// 4. One missed ping: suspect. Three, and a failed probe on a fresh connection: down.
/// 5. A connection that is refused, reset or ended is evidence at once: down.
/// 6. When all nodes fall silent in one tick, or the clock jumped, this node is what is wrong: verdicts wait.
/// 7. A withdrawn service is forgotten once its stream is over; until then it is only a reason to probe.
package struct Membership: Sendable {
    package enum Health: String, Equatable, Sendable {
        case up
        /// Gets no new work where another can do it.
        case suspect
        case down
        /// Speaks a newer protocol.
        case incompatible
        /// Belongs to another cluster: somebody named its address.
        case foreign
    }

    package struct Member: Equatable, Sendable {
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

    package enum Action: Equatable, Sendable {
        /// Open an events stream to the first of the places where the node answers, after so many seconds. nil: whoever
        /// answers is the node.
        case follow(Lead, [Place], NodeID?, after: Double)
        /// Close it.
        case unfollow(Lead)
        /// Ask on a fresh connection whether it is there.
        case probe(Lead, Place)
        /// For the log and the ledger. nil: not a member.
        case changed(NodeID, from: Health?, to: Health?, Evidence)
    }

    /// Seconds between pings: ``NodeDescription`` streams send one a second (design of the node API).
    package static let pingInterval = 1.0
    /// Seconds of silence: one ping missed, half an interval of leeway for the network.
    package static let suspectAfter = 1.5
    /// Seconds of silence: three pings missed.
    package static let probeAfter = 3.5
    /// Seconds between two looks at the clock that mean this host was suspended or starved.
    package static let clockJump = 2.5
    /// Seconds that verdicts wait when everybody fell silent at once.
    package static let selfBlame = 3.0
    /// A lead that failed is followed again after a quarter of the time that it has been failing, so that a restart is
    /// noticed soon and a dead host costs little; in seconds never sooner than the first, and never so late as the second
    /// that a node that is back is missed for five.
    package static let retryFirst = 0.1
    package static let retryLimit = 3.0
    package static let retryShare = 0.25
    /// The same for a node that is only remembered: nobody says that it is still there.
    package static let memoryRetryLimit = 60.0
    /// Nodes and leads that are kept at most: a flood of records must not fill memory.
    package static let leadLimit = 1024

    private struct Trail: Sendable {
        var places: [Place]
        var isAdvertised: Bool
        var hint: Advertisement?
        var isFollowed = false
        /// When the first of the failures was after which nothing has been heard.
        var failingSince: Double?
        /// Who answered there, or was remembered.
        var node: NodeID?
        var pingsSinceDoubt = 0
        var probed = false

        /// Who must answer; an address that was named may lead to anybody.
        var expected: NodeID? { hint?.node ?? (isMemory ? node : nil) }
        var isMemory = false
    }

    package let own: NodeID
    package let cluster: ClusterID
    package private(set) var members: [NodeID: Member] = [:]
    private var trails: [Lead: Trail] = [:]
    private var lastTick: Double?
    private var verdictsFrom = -Double.infinity

    package init(own: NodeID, cluster: ClusterID) {
        self.own = own
        self.cluster = cluster
    }

    // MARK: Leads

    /// A service was found, or looks otherwise now.
    package mutating func sighted(
        _ lead: Lead, at places: [Place], _ reading: Advertisement.Reading
    ) -> [Action] {
        if case .known(let hint) = reading, hint.cluster == cluster, hint.node != own {
            // Another node may have taken over a name.
            let known = trails[lead].flatMap { $0.node ?? $0.hint?.node }
            let isOther = known != nil && known != hint.node
            return (isOther ? forget(lead, .withdrawn) : []) + follow(lead, places, hint: hint)
        }
        // 1
        let actions = forget(lead, .withdrawn)
        guard case .incompatible(let version, let node, let name) = reading, node != own, members[node] == nil,
            members.count < Self.leadLimit
        else { return actions }
        let evidence = Evidence.connection("it speaks version \(version) of the protocol")
        members[node] = Member(
            id: node, health: .incompatible, lead: lead, places: places, advertisedName: leadName(lead, name),
            evidence: evidence)
        return actions + [.changed(node, from: nil, to: .incompatible, evidence)]
    }

    /// An address was named.
    package mutating func named(_ place: Place) -> [Action] { follow(Self.lead(to: place), [place], hint: nil) }

    /// A node was known before this router started. It is tried where it was, and is no member until it answers.
    package mutating func remembered(_ node: NodeID, at places: [Place]) -> [Action] {
        let lead = Lead.memory(node)
        guard node != own, trails[lead] == nil, trails.count < Self.leadLimit, !places.isEmpty else { return [] }
        let isServed = isServed(node, except: lead)
        trails[lead] = Trail(places: places, isAdvertised: true, isFollowed: !isServed, node: node, isMemory: true)
        return isServed ? [] : [.follow(lead, places, node, after: 0)]
    }

    package static func lead(to place: Place) -> Lead { .address("\(place.host):\(place.port)") }

    /// A service was withdrawn, or a named address is wanted no more.
    package mutating func lost(_ lead: Lead) -> [Action] {
        if let (id, member) = members.first(where: { $0.value.lead == lead && $0.value.health == .incompatible }) {
            members[id] = nil
            return [.changed(id, from: member.health, to: nil, .withdrawn)]
        }
        guard trails[lead] != nil else { return [] }
        trails[lead]?.isAdvertised = false
        if case .address = lead { return forget(lead, .forgotten) }
        // 7
        guard let node = trails[lead]?.node, let member = members[node], member.lead == lead, member.health != .down,
            trails[lead]?.isFollowed == true
        else { return forget(lead, .withdrawn) }
        return member.place.map { [.probe(lead, $0)] } ?? []
    }

    private mutating func follow(_ lead: Lead, _ places: [Place], hint: Advertisement?) -> [Action] {
        if var trail = trails[lead] {
            let isNews = trail.places != places
            trail.places = places
            trail.hint = hint ?? trail.hint
            trail.isAdvertised = true
            if !trail.isFollowed || isNews { trail.failingSince = nil }
            let node = trail.node ?? trail.hint?.node
            // Who is being retried at the old places is tried at the new ones at once.
            let isLate = trail.isFollowed && isNews && (node.map { members[$0]?.health == .down } ?? true)
            let mustFollow = isLate || (!trail.isFollowed && !isServed(node, except: lead))
            trail.isFollowed = trail.isFollowed || mustFollow
            trails[lead] = trail
            if let node, members[node]?.lead == lead { members[node]?.places = places }
            return mustFollow ? [.follow(lead, places, trail.expected, after: 0)] : []
        }
        guard trails.count < Self.leadLimit else { return [] }
        // 2
        let isServed = isServed(hint?.node, except: lead)
        trails[lead] = Trail(places: places, isAdvertised: true, hint: hint, isFollowed: !isServed)
        return isServed ? [] : [.follow(lead, places, hint?.node, after: 0)]
    }

    private func isServed(_ node: NodeID?, except lead: Lead) -> Bool {
        guard let node, let member = members[node], member.lead != lead else { return false }
        return member.health == .up || member.health == .suspect
    }

    private mutating func forget(_ lead: Lead, _ evidence: Evidence) -> [Action] {
        guard let trail = trails.removeValue(forKey: lead) else { return [] }
        var actions: [Action] = trail.isFollowed ? [.unfollow(lead)] : []
        if let node = trail.node ?? trail.hint?.node, let member = members[node], member.lead == lead {
            members[node] = nil
            actions.append(.changed(node, from: member.health, to: nil, evidence))
            actions += followAnother(to: node)
        }
        return actions
    }

    /// Another lead to a node whose lead failed.
    private mutating func followAnother(to node: NodeID) -> [Action] {
        for (lead, trail) in trails where !trail.isFollowed && (trail.node ?? trail.hint?.node) == node {
            trails[lead]?.isFollowed = true
            return [.follow(lead, trail.places, trail.expected, after: 0)]
        }
        return []
    }

    // MARK: What streams say

    /// A stream began, or the node sent its whole description anew.
    package mutating func described(
        _ lead: Lead, _ description: NodeDescription, from place: Place, at now: Double
    ) -> [Action] {
        guard var trail = trails[lead], trail.isFollowed else { return [] }
        let id = description.id
        trail.node = id
        trail.failingSince = nil
        trail.probed = false
        defer { trails[lead] = trail }
        // 1
        let stranger: Health? =
            description.protocolVersion != Advertisement.protocolVersion
            ? .incompatible : description.cluster != cluster ? .foreign : nil
        // 2
        if id == own || isServed(id, except: lead) || stranger != nil {
            trail.isFollowed = false
            guard let stranger, id != own else { return [.unfollow(lead)] }
            return [.unfollow(lead)]
                + become(stranger, id, lead, trail, place, description, .described, now)
        }
        guard let member = members[id], member.lead == lead, member.health != .down else {
            // 3
            trail.pingsSinceDoubt = 0
            let isNew = members[id]?.description == nil || members[id]?.description?.epoch != description.epoch
            return become(isNew ? .up : .suspect, id, lead, trail, place, description, .described, now)
        }
        return become(member.health, id, lead, trail, place, description, member.evidence, now)
    }

    /// What answered a lead speaks a newer protocol.
    package mutating func spoke(_ lead: Lead, version: Int, _ node: NodeID, at now: Double) -> [Action] {
        guard let trail = trails[lead], trail.isFollowed, node != own else { return [] }
        // 1
        trails[lead]?.isFollowed = false
        trails[lead]?.node = node
        let evidence = Evidence.connection("it speaks version \(version) of the protocol")
        return [.unfollow(lead)] + become(.incompatible, node, lead, trail, nil, nil, evidence, now)
    }

    private mutating func become(
        _ health: Health, _ id: NodeID, _ lead: Lead, _ trail: Trail, _ place: Place?,
        _ description: NodeDescription?, _ evidence: Evidence, _ now: Double
    ) -> [Action] {
        let old = members[id]?.health
        members[id] = Member(
            id: id, health: health, lead: lead, place: place, places: trail.places,
            description: description ?? members[id]?.description,
            advertisedName: leadName(lead, members[id]?.advertisedName ?? ""), lastWord: now, evidence: evidence)
        return old == health ? [] : [.changed(id, from: old, to: health, evidence)]
    }

    package mutating func changed(_ lead: Lead, _ change: NodeChange, at now: Double) -> [Action] {
        guard let id = trails[lead]?.node, members[id]?.lead == lead else { return [] }
        members[id]?.description?.apply(change)
        members[id]?.lastWord = now
        return []
    }

    package mutating func pinged(_ lead: Lead, at now: Double) -> [Action] {
        guard let trail = trails[lead], let id = trail.node, let member = members[id], member.lead == lead else {
            return []
        }
        members[id]?.lastWord = now
        trails[lead]?.probed = false
        guard member.health == .suspect else { return [] }
        // 3
        trails[lead]?.pingsSinceDoubt += 1
        return trail.pingsSinceDoubt + 1 >= 2 ? judge(id, .up, .pings) : []
    }

    /// A stream could not be opened, broke, or ended.
    package mutating func streamEnded(_ lead: Lead, _ reason: String, at now: Double) -> [Action] {
        guard var trail = trails[lead], trail.isFollowed else { return [] }
        trail.pingsSinceDoubt = 0
        let since = trail.failingSince ?? now
        trail.failingSince = since
        let delay = min(
            trail.isMemory ? Self.memoryRetryLimit : Self.retryLimit,
            max(Self.retryFirst, (now - since) * Self.retryShare))
        trails[lead] = trail
        // 7
        if !trail.isAdvertised { return forget(lead, .withdrawn) }
        guard let id = trail.node ?? trail.hint?.node else { return [.follow(lead, trail.places, nil, after: delay)] }
        var actions: [Action] = []
        // 5
        if let member = members[id] {
            if member.lead == lead { actions += judge(id, .down, .connection(reason)) }
        } else if !trail.isMemory, members.count < Self.leadLimit {
            members[id] = Member(
                id: id, health: .down, lead: lead, places: trail.places, advertisedName: leadName(lead, ""),
                evidence: .connection(reason))
            actions.append(.changed(id, from: nil, to: .down, .connection(reason)))
        }
        if isServed(id, except: lead) {
            trails[lead]?.isFollowed = false
            return actions + [.unfollow(lead)]
        }
        let others = followAnother(to: id)
        return actions + others + [.follow(lead, trail.places, trail.expected, after: delay)]
    }

    /// The answer to ``Action/probe(_:_:)``.
    package mutating func probed(_ lead: Lead, answered: Bool, at now: Double) -> [Action] {
        guard let trail = trails[lead], trail.isFollowed else { return [] }
        if !trail.isAdvertised, !answered { return forget(lead, .withdrawn) }
        guard let id = trail.node, let member = members[id], member.lead == lead, member.health == .suspect else {
            return []
        }
        // 4
        let silence = now - (member.lastWord ?? now)
        guard silence >= Self.suspectAfter else { return [] }
        // It is there and its stream is not: a new stream is what helps.
        let change = answered ? [] : judge(id, .down, .silent(silence))
        if !answered { trails[lead]?.failingSince = now }
        return change + [
            .unfollow(lead),
            .follow(lead, trail.places, trail.expected, after: answered ? 0 : Self.retryFirst),
        ]
    }

    // MARK: Time

    /// To be called every half second or so.
    package mutating func tick(at now: Double) -> [Action] {
        defer { lastTick = now }
        // 6
        if let lastTick, now - lastTick > Self.clockJump {
            for id in members.keys where members[id]?.lastWord != nil { members[id]?.lastWord = now }
            verdictsFrom = now
            return []
        }
        let watched = members.values.filter { ($0.health == .up || $0.health == .suspect) && $0.lastWord != nil }
        let silent = watched.filter { now - ($0.lastWord ?? now) > Self.suspectAfter }
        if watched.count > 1, silent.count == watched.count, silent.allSatisfy({ $0.health == .up }),
            verdictsFrom + 2 * Self.selfBlame < now
        {
            verdictsFrom = now + Self.selfBlame
        }
        guard now >= verdictsFrom else { return [] }
        var actions: [Action] = []
        for member in silent.sorted(by: { $0.id.description < $1.id.description }) {
            let silence = now - (member.lastWord ?? now)
            // 4
            if member.health == .up {
                trails[member.lead]?.pingsSinceDoubt = 0
                actions += judge(member.id, .suspect, .silent(silence))
            }
            if silence > Self.probeAfter, trails[member.lead]?.probed == false, let place = member.place {
                trails[member.lead]?.probed = true
                actions.append(.probe(member.lead, place))
            }
        }
        return actions
    }

    private mutating func judge(_ id: NodeID, _ health: Health, _ evidence: Evidence) -> [Action] {
        guard let old = members[id]?.health, old != health else { return [] }
        members[id]?.health = health
        members[id]?.evidence = evidence
        return [.changed(id, from: old, to: health, evidence)]
    }

    private func leadName(_ lead: Lead, _ other: String) -> String {
        switch lead {
        case .service(let name, _): name
        case .memory(let node): other.isEmpty ? node.description : other
        case .address(let address): other.isEmpty ? address : other
        }
    }
}
