import Cluster

// What goes wrong, and comes right again.

extension World {
    func turn(_ kind: Fault.Kind, _ number: Int, begins: Bool) {
        note(begins ? .fault : .mended, nil, number)
        let step = begins ? 1 : -1
        if begins { quietSince = nil }
        switch kind {
        case .crash(let index):
            nodes[index].downs += step
            if begins { kill(nodes[index], tells: true) } else { boot(nodes[index]) }
        case .powerLoss(let index):
            nodes[index].downs += step
            nodes[index].isMachineOff += step
            if begins { kill(nodes[index], tells: false) } else { boot(nodes[index]) }
        case .pause(let index):
            nodes[index].pauses += step
            note(begins ? .pauses : .resumes, nodes[index])
            if !nodes[index].isPaused { resume(nodes[index]) }
        case .cut(let from, let to): cut(from, to, step)
        case .partition(let index):
            for other in nodes.indices where other != index {
                cut(index, other, step)
                cut(other, index, step)
            }
        case .loss(let from, let to, let percent): lossPercent[from][to] += step * percent
        case .delay(let from, let to, let moments): extraDelay[from][to] += step * moments
        case .slow(let index): nodes[index].slowness += step
        case .failLoads(let index): nodes[index].loadFaults += step
        case .errors(let index): nodes[index].errorFaults += step
        case .drain(let index):
            nodes[index].drains += step
            changed(nodes[index])
        case .goodbye(let index):
            nodes[index].goodbyes += step
            announce(nodes[index])
        case .clone(let index, let other):
            copiedIDs.insert(nodes[other].baseID)
            copiedIDs.insert(nodes[index].baseID)
            nodes[index].id = begins ? nodes[other].baseID : nodes[index].baseID
            restart(nodes[index])
        case .foreign(let index):
            nodes[index].cluster = begins ? SimNode.theirs : SimNode.ours
            restart(nodes[index])
        case .newer(let index):
            nodes[index].protocolVersion = Advertisement.protocolVersion + (begins ? 1 : 0)
            restart(nodes[index])
        case .hangUp(let index): nodes[index].hangUps += step
        case .move(let index):
            guard begins else { break }
            let node = nodes[index]
            let isFirst = node.address.host.hasPrefix("10.0.0.")
            node.address = Place(host: "10.0.\(isFirst ? 1 : 0).\(index)", port: 10103)
            restart(node)
        case .flood(let index, let requests):
            if begins { for _ in 0..<requests { after(people.below(2 * Time.second), .arrival, on: nodes[index]) } }
        }
        if !begins { calmDown() }
    }

    /// Whether nothing is wrong from now on.
    private func calmDown() {
        let isMoving = faults.enumerated().contains { number, fault in
            !plan.without.contains(number) && fault.begin <= moment && fault.end > moment
        }
        guard !isMoving else { return }
        quietSince = moment
        schedule(.check(.recovered(since: moment)), in: Checks.recovery)
    }

    private func restart(_ node: SimNode) {
        if node.isAlive { kill(node, tells: true) }
        boot(node)
    }

    // MARK: Lives

    func boot(_ node: SimNode) {
        guard node.downs == 0, !node.isAlive else { return }
        lifeCount += 1
        node.isAlive = true
        node.life = lifeCount
        // By a clock on the wall that may have been put back.
        node.epoch = UInt64(lifeCount) | (walls.next() >> 24) << 20
        lives["\(node.id) \(node.epoch)"] = lifeCount
        note(.starts, node)
        let now = node.now(moment)
        let before = node.told
        node.membership = Membership(own: node.id, cluster: node.cluster)
        node.fleet = Fleet()
        node.budget = RetryBudget()
        (node.told, node.streams, node.follows, node.subscribers) = ([:], [:], [:], [])
        (node.requests, node.connections, node.inbox) = ([:], [:], [])
        (node.newestLife, node.failures, node.changes, node.retries) = ([:], [:], [:], [])
        (node.localSequence, node.isReportDue, node.ticks) = (nil, false, 0)
        for tier in node.tiers { tier.restart(at: now) }
        describe(node, isNew: true)
        // What a ledger would have kept.
        node.recall(&node.fleet)
        for (id, member) in before.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where id != node.id {
            if let place = member.place { perform(node.membership.remembered(id, at: [place]), node) }
        }
        // Two nodes know the first by its address.
        if node.index == 1 || node.index == 2 { perform(node.membership.named(nodes[0].address), node) }
        for index in nodes.indices where services[index] != nil {
            after(network.between(50, 1024), .news(of: index), on: node)
        }
        announce(node)
        after(node.clock.moments(0.5), .tick, on: node)
    }

    func kill(_ node: SimNode, tells: Bool) {
        guard node.isAlive else { return }
        note(.dies, node)
        node.isAlive = false
        node.inbox = []
        for request in node.requests.values.sorted(by: { $0.number < $1.number }) {
            request.stay = nil
            finish(request, .died, node)
        }
        for tier in node.tiers { tier.restart(at: node.now(moment)) }
        for connection in node.connections.values.sorted(by: { $0.number < $1.number }) {
            let isClient = connection.client == node.index
            if isClient { connection.isClientOpen = false } else { connection.isServerOpen = false }
            if tells {
                send(.closed, on: connection, toServer: isClient)
            } else {
                // Nothing is heard of it: the other side gives up in the end.
                let other = isClient ? connection.server : connection.client
                guard other >= 0 else { continue }
                queue.push(
                    .deliver(connection, toServer: isClient, .closed), node: other,
                    life: isClient ? connection.serverLife : connection.clientLife, at: moment + Self.giveUpAfter)
            }
        }
        node.connections = [:]
        if node.isMachineOff == 0 {
            schedule(.serviceGone(node.index, life: node.life), in: network.between(Time.second / 2, Time.second + 100))
        }
    }

    private func resume(_ node: SimNode) {
        let inbox = node.inbox
        node.inbox = []
        guard node.isAlive else { return }
        // What woke first is a matter of luck: the clock, or what had come.
        let late = network.percent(50)
        let isTick: (EventQueue.Entry) -> Bool = { if case .tick = $0.event { true } else { false } }
        let ordered = inbox.filter { isTick($0) != late } + inbox.filter { isTick($0) == late }
        for entry in ordered { queue.push(entry.event, node: entry.node, life: entry.life, at: moment) }
    }
}
