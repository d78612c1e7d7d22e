import Cluster

// What the membership monitor and discovery do in production.

extension World {
    /// Until a node must have answered that is looked for.
    private static let patience = 1.0

    // MARK: Discovery

    /// What a node says of itself by DNS-SD, where it says anything.
    func announce(_ node: SimNode) {
        guard node.isAlive, node.goodbyes == 0 else {
            if node.goodbyes > 0 { publish(node.index, nil) }
            return
        }
        let reading: Advertisement.Reading =
            node.protocolVersion == Advertisement.protocolVersion
            ? .known(
                Advertisement(
                    cluster: node.cluster, clusterName: "team", node: node.id, generation: 1,
                    tiers: node.description.sharedTiers))
            : .incompatible(version: "2", node: node.id, clusterName: "team")
        publish(node.index, reading)
    }

    func publish(_ index: Int, _ reading: Advertisement.Reading?) {
        services[index] = reading
        servicePlaces[index] = nodes[index].address
        for node in nodes where node.isAlive { after(network.between(50, 1024), .news(of: index), on: node) }
    }

    func hearNews(of index: Int, _ node: SimNode) {
        // Multicast goes where everything else goes; it is said again.
        if index != node.index, cuts[index][node.index] > 0 {
            return after(Time.second, .news(of: index), on: node)
        }
        let lead = nodes[index].lead
        if let reading = services[index] {
            perform(node.membership.sighted(lead, at: [servicePlaces[index]], reading), node)
        } else {
            perform(node.membership.lost(lead), node)
        }
        sync(node)
    }

    // MARK: The clock

    func tick(_ node: SimNode) {
        after(node.clock.moments(0.5), .tick, on: node)
        node.ticks += 1
        let actions = node.membership.tick(at: node.now(moment))
        if !actions.isEmpty {
            perform(actions, node)
            sync(node)
        }
        if node.ticks % 2 == 0 { tend(node) }
    }

    // MARK: Actions

    func perform(_ actions: [Membership.Action], _ node: SimNode) {
        for action in actions {
            switch action {
            case .follow(let lead, let places, let expected, let delay):
                closeStream(lead, node)
                node.lastStream += 1
                node.streams[lead] = node.lastStream
                node.follows[node.lastStream] = .init(lead: lead, places: places, expected: expected)
                note(.follow, node, node.lastStream)
                after(delay > 0 ? node.clock.moments(delay) : 1, .connect(node.lastStream), on: node)
            case .unfollow(let lead): closeStream(lead, node)
            case .handOver(let old, let new):
                closeStream(new, node)
                guard let number = node.streams.removeValue(forKey: old) else { break }
                node.streams[new] = number
                node.follows[number]?.lead = new
            case .probe(let lead, let place):
                let connection = connection(.probe(lead, place), from: node, to: place)
                after(node.clock.moments(Self.patience), .timeout(connection), on: node)
            case .changed(let id, let old, let new, let evidence):
                note(.health, node, Self.number(of: id), Self.code(old) * 8 + Self.code(new))
                Checks.changed(id, old, new, evidence, node, self)
            }
        }
    }

    static func number(of id: NodeID) -> Int { Int(Array(id.rawValue.utf8.prefix(5)).last ?? 0) - 48 }

    private static func code(_ health: Membership.Health?) -> Int {
        switch health {
        case nil: 0
        case .up: 1
        case .suspect: 2
        case .down: 3
        case .incompatible: 4
        case .foreign: 5
        }
    }

    private func closeStream(_ lead: Lead, _ node: SimNode) {
        guard let number = node.streams.removeValue(forKey: lead), let follow = node.follows.removeValue(forKey: number)
        else { return }
        if let connection = follow.connection { close(connection, byServer: false) }
    }

    func connect(_ number: Int, _ node: SimNode) {
        guard let place = node.follows[number]?.places.first else { return }
        let connection = connection(.stream(number), from: node, to: place)
        node.follows[number]?.connection = connection
        after(node.clock.moments(Self.patience), .timeout(connection), on: node)
    }

    // MARK: What streams say

    func hearStream(_ message: Message, _ number: Int, _ connection: Connection, _ node: SimNode) {
        guard let follow = node.follows[number], follow.connection === connection else { return }
        let (lead, now) = (follow.lead, node.now(moment))
        switch message {
        case .state(let description):
            connection.hasAnswered = true
            if let expected = follow.expected, expected != description.id {
                close(connection, byServer: false)
                return streamFailed(number, "another node (\(description.id)) answers there", node)
            }
            guard description.protocolVersion == Advertisement.protocolVersion else {
                close(connection, byServer: false)
                perform(
                    node.membership.spoke(lead, version: description.protocolVersion, description.id, at: now), node)
                return sync(node)
            }
            note(.heard, node, Self.number(of: description.id))
            let life = lives["\(description.id) \(description.epoch)"] ?? 0
            var description = description
            if plan.breaks == .stale, let old = node.told[description.id]?.description { description = old }
            perform(node.membership.described(lead, description, from: follow.places[0], at: now), node)
            // Who is well over another lead is asked over that one.
            if let member = node.membership.members[description.id], member.lead == lead || member.health != .up {
                node.newestLife[description.id] = max(node.newestLife[description.id] ?? 0, life)
            }
            sync(node)
        case .change(let change):
            perform(node.membership.changed(lead, change, at: now), node)
            sync(node)
        case .ping:
            let actions = node.membership.pinged(lead, at: now)
            if !actions.isEmpty {
                perform(actions, node)
                sync(node)
            }
        case .closed: streamFailed(number, connection.hasAnswered ? "it closed the connection" : "refused", node)
        default: break
        }
    }

    func streamFailed(_ number: Int, _ reason: String, _ node: SimNode) {
        guard let follow = node.follows[number] else { return }
        perform(node.membership.streamEnded(follow.lead, reason, at: node.now(moment)), node)
        sync(node)
    }

    func probed(_ lead: Lead, _ answered: Bool, _ node: SimNode) {
        perform(node.membership.probed(lead, answered: answered, at: node.now(moment)), node)
        sync(node)
    }

    // MARK: What the router is told

    /// Tells ``Fleet`` of members that are other than before, as `FleetBook` does.
    func sync(_ node: SimNode) {
        let members = node.membership.members
        for id in members.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard var member = members[id] else { continue }
            Checks.believes(member, node, self)
            if let old = node.told[id] {
                let isNewLife = old.description?.epoch != member.description?.epoch
                var other = old
                other.lastWord = member.lastWord
                if other == member { continue }
                if isNewLife { Checks.beginsAnew(id, node) }
            }
            node.told[id] = member
            // As ``NodeNotes``: what is said by one that is none of the cluster's, or not there, is not kept.
            if let description = member.description, member.health == .up { node.keep(description) }
            let health = member.health
            if plan.breaks == .down, health == .down { member.health = .up }
            if let host = Host(member) {
                var host = host
                if plan.breaks == .epoch { host.epoch = 1 }
                if plan.breaks == .draining { host.policy.accepting = true }
                node.fleet.set(host, at: node.now(moment))
            } else {
                node.fleet.remove(id)
                Checks.beginsAnew(id, node)
            }
        }
        for id in node.told.keys.sorted(by: { $0.rawValue < $1.rawValue }) where members[id] == nil {
            node.told[id] = nil
            node.fleet.remove(id)
            Checks.beginsAnew(id, node)
        }
    }

    // MARK: What the node says

    func serveStream(_ connection: Connection, _ node: SimNode) {
        connection.sent = node.description
        send(.state(node.description), on: connection, toServer: false)
        guard node.hangUps == 0 else { return close(connection, byServer: true) }
        node.subscribers.append(connection)
        after(node.clock.moments(Membership.pingInterval), .ping(connection), on: node)
    }

    func ping(_ connection: Connection, _ node: SimNode) {
        guard connection.isServerOpen else { return }
        send(.ping, on: connection, toServer: false)
        after(node.clock.moments(Membership.pingInterval), .ping(connection), on: node)
    }

    /// Something of the node is otherwise: its subscribers are told soon, of all that is by then.
    func changed(_ node: SimNode) {
        guard node.isAlive else { return }
        describe(node, isNew: false)
        guard !node.isReportDue, !node.subscribers.isEmpty else { return }
        node.isReportDue = true
        after(10, .report, on: node)
    }

    func report(_ node: SimNode) {
        node.isReportDue = false
        for connection in node.subscribers {
            guard let sent = connection.sent, sent != node.description else { continue }
            if let change = node.description.change(since: sent) {
                send(.change(change), on: connection, toServer: false)
            } else {
                send(.state(node.description), on: connection, toServer: false)
            }
            connection.sent = node.description
        }
    }

    func describe(_ node: SimNode, isNew: Bool) {
        if isNew {
            node.description.id = node.id
            node.description.cluster = node.cluster
            node.description.protocolVersion = node.protocolVersion
            node.description.epoch = node.epoch
            node.description.sequence = 0
        }
        let now = node.now(moment)
        node.description.tiers = node.tiers.map { $0.report(at: now) }
        node.description.policy = .init(accepting: node.drains == 0, reason: node.drains == 0 ? nil : "drained by hand")
        node.description.sequence += 1
    }
}
