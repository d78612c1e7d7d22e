import Cluster

/// What must hold, looked at from outside: by counts of the simulation's own, and by what a router believed when it decided.
enum Checks {
    /// After the last fault.
    static let recovery = 5 * Time.second
    /// After it, health changes no more.
    private static let calm = 12 * Time.second
    /// Changes of one node's health in a minute, whatever the faults. The worst is a node that hangs up after each
    /// description: two changes a try, by up to three leads, each at last every 1.5 s: 240, and the first quick tries.
    private static let flapLimit = 300

    // MARK: After every event

    /// - Parameter index: of the node that it happened to, for nothing of any other has changed; below 0: of all.
    static func always(_ world: World, _ index: Int) {
        for node in index < 0 ? world.nodes[...] : world.nodes[index...index] {
            for tier in node.tiers { always(tier, node, world) }
            let membership = node.membership
            let (leads, members) = (membership.leadCount, membership.members.count)
            if leads > 4 * world.nodes.count || members > 2 * world.nodes.count {
                world.fail(.sizes, "n\(node.index): \(leads) leads, \(members) members")
            }
        }
    }

    private static func always(_ tier: SimTier, _ node: SimNode, _ world: World) {
        let admission = tier.admission
        let (inFlight, waiting) = (admission.inFlightCount, admission.waitingCount)
        let started = tier.running.count + tier.backlog.count
        let limit = tier.slots + TierAdmission.extraInFlight
        if started > limit || inFlight > limit {
            world.fail(.slots, "n\(node.index) \(tier.name): \(started) with \(tier.slots) slots")
        }
        if waiting > TierAdmission.queueLimit {
            world.fail(.queue, "n\(node.index) \(tier.name): \(waiting) wait")
        }
        if inFlight + waiting != tier.live.count {
            world.fail(
                .count, "n\(node.index) \(tier.name): \(inFlight + waiting) counted, \(tier.live.count) there")
        }
    }

    // MARK: Membership

    static func changed(
        _ id: NodeID, _ old: Membership.Health?, _ new: Membership.Health?, _ evidence: Evidence, _ node: SimNode,
        _ world: World
    ) {
        var recent = node.changes[id] ?? []
        recent.removeAll { world.moment - $0 > Time.minute }
        recent.append(world.moment)
        node.changes[id] = recent
        if recent.count > flapLimit {
            world.fail(.flaps, "n\(node.index) on \(id): \(recent.count) changes in a minute, the last: \(evidence)")
        }
        guard let quiet = world.quietSince else { return }
        if new == .up { world.slowestRecovery = max(world.slowestRecovery, world.moment - quiet) }
        if old == .up, world.moment - quiet > calm {
            world.fail(.flaps, "n\(node.index) on \(id): up no more, without a fault: \(evidence)")
        }
    }

    static func believes(_ member: Membership.Member, _ node: SimNode, _ world: World) {
        guard let epoch = member.description?.epoch, !world.copiedIDs.contains(member.id),
            let heard = node.newestLife[member.id], let life = world.lives["\(member.id) \(epoch)"], life < heard
        else { return }
        world.fail(.epoch, "n\(node.index) on \(member.id): life \(life) after \(heard)")
    }

    /// Another life of a node.
    static func beginsAnew(_ id: NodeID, _ node: SimNode) {
        for key in node.failures.keys where key.hasPrefix(id.rawValue) { node.failures[key] = nil }
    }

    static func failed(_ tier: String, _ host: NodeID, _ node: SimNode) {
        node.failures["\(host) \(tier)", default: 0] += 1
    }

    // MARK: Placing

    static func placed(_ request: SimRequest, _ route: Route, _ node: SimNode, _ world: World) {
        if let outcome = request.outcome {
            world.fail(.oneOutcome, "request \(request.number) goes on after \(outcome)")
        }
        if case .tier(let name, _) = request.ask, route.tier != name {
            world.fail(.tier, "request \(request.number) for \(name) went to \(route.tier)")
        }
        judged(request, route, node, world)
        guard case .host(let verdict) = route.decision else { return }
        if request.sawByte {
            world.fail(.noRetryAfterByte, "request \(request.number) goes to \(verdict.name)")
        }
        var limit = Attempts.limit
        if case .here = request.ask { limit = 1 }
        if request.hostsAsked - request.moves >= limit || request.moves > Attempts.withdrawalLimit {
            world.fail(
                .attempts,
                "request \(request.number) goes to \(verdict.name) after \(request.hostsAsked), of which it left \(request.moves)"
            )
        }
        if let fault = fault(of: verdict.id, request, route, node) {
            world.fail(
                .target, "request \(request.number) of n\(node.index) for \(route.tier): \(verdict.name) \(fault)")
        }
    }

    /// What speaks against a host in the eyes of the router that asks it; by its own membership, not by its fleet.
    private static func fault(of host: NodeID, _ request: SimRequest, _ route: Route, _ node: SimNode) -> String? {
        let isOwn = host == node.id
        if case .here = request.ask, !isOwn { return "is another host, and the request has been placed" }
        if !isOwn {
            guard let member = node.membership.members[host] else { return "is no member" }
            guard member.health == .up || member.health == .suspect else { return "is \(member.health)" }
            guard member.description?.cluster == node.cluster else { return "is another cluster's" }
        }
        guard let description = isOwn ? node.description : node.membership.members[host]?.description,
            let tier = description.tiers.first(where: { $0.name == route.tier })
        else { return "does not have it" }
        if !(isOwn && request.work.isOwn) {
            guard description.policy.accepting else { return "drains" }
            guard tier.shared else { return "does not lend it" }
        }
        guard tier.state.canServe || tier.state == .failed else { return "is \(tier.state)" }
        let context = tier.fingerprint.contextSize
        if case .auto = request.ask, let rung = route.rungs.last, rung.why == nil, context > 0,
            request.work.promptTokens > context
        {
            return "has room for \(context) of \(request.work.promptTokens) tokens"
        }
        return nil
    }

    /// Who is out because it failed.
    private static func judged(_ request: SimRequest, _ route: Route, _ node: SimNode, _ world: World) {
        var unserved: [(tier: String, isFlexible: Bool)] = []
        switch request.ask {
        case .auto: unserved = route.rungs.filter { $0.why != nil }.map { ($0.tier, true) }
        case .tier, .here: if case .unserved = route.decision { unserved = [(route.tier, false)] }
        }
        let now = node.now(world.moment)
        var except = request.attempts.tried
        if case .here = request.ask { except += node.fleet.hosts.filter { !$0.isLocal }.map(\.id) }
        var work = request.work
        for (tier, isFlexible) in unserved {
            (work.tier, work.isFlexible) = (tier, isFlexible)
            for verdict in node.fleet.verdicts(work, except: except, at: now) {
                if case .ejected = verdict.exclusion {
                    world.fail(
                        .last, "request \(request.number): nobody serves \(tier), and \(verdict.name) is out")
                }
            }
        }
        work.tier = route.tier
        for verdict in node.fleet.verdicts(work, at: now) {
            if case .ejected = verdict.exclusion,
                (node.failures["\(verdict.id) \(route.tier)"] ?? 0) < Ejection.threshold
            {
                world.fail(.cleanRecord, "n\(node.index): \(verdict.name) is out for \(route.tier)")
            }
        }
    }

    static func goesOn(_ request: SimRequest, _ outcome: Attempts.Outcome, _ node: SimNode, _ world: World) {
        if request.sawByte { world.fail(.noRetryAfterByte, "request \(request.number) is asked for again") }
        guard outcome.isFault else { return }
        // Whole seconds of a clock that drifts: nine seconds of ours lie within ten of its.
        node.retries.removeAll { world.moment - $0 > 9 * Time.second - 16 }
        node.arrivals.removeAll { world.moment - $0 > 10 * Time.second + 16 }
        let limit = Double(RetryBudget.least + 1) + RetryBudget.share * Double(node.arrivals.count)
        if Double(node.retries.count) >= limit {
            world.fail(
                .budget, "n\(node.index): \(node.retries.count) retries, \(node.arrivals.count) requests in ten seconds"
            )
        }
    }

    // MARK: Leaving

    static func left(_ stay: SimRequest.Stay?, _ node: SimNode, _ world: World) {
        guard let stay else { return }
        if let job = stay.job, node.tiers[job.tier].live[job.ticket] === job {
            world.fail(.gone, "n\(node.index): request \(job.request.number) is still there")
        }
        guard let connection = stay.connection, connection.server >= 0, world.cuts[node.index][connection.server] == 0,
            world.extraDelay[node.index][connection.server] == 0, world.lossPercent[node.index][connection.server] == 0
        else { return }
        let cut = world.cutCount[node.index][connection.server]
        let arrival = max(world.moment, connection.arrival.server) - world.moment + 1
        world.schedule(.check(.guestGone(connection, cut: cut)), in: arrival)
    }

    // MARK: At certain moments

    static func perform(_ check: Event.Check, _ world: World) {
        switch check {
        case .recovered(let since): if world.quietSince == since { recovered(world) }
        case .guestGone(let connection, let cut):
            guard world.cutCount[connection.client][connection.server] == cut, connection.isServerOpen,
                !world.nodes[connection.server].isPaused
            else { return }
            world.fail(.gone, "n\(connection.server) still has a request whose client left n\(connection.client)")
        case .atRest: atRest(world)
        }
    }

    private static func recovered(_ world: World) {
        for node in world.nodes where node.isAlive {
            for other in world.nodes where other.isAlive && other.index != node.index {
                let member = node.membership.members[other.id]
                if member?.health != .up || member?.description?.epoch != other.epoch {
                    let health = member.map { "\($0.health), \($0.evidence)" } ?? "not known"
                    world.fail(.recovery, "n\(other.index) is not up at n\(node.index): \(health)")
                }
            }
        }
    }

    private static func atRest(_ world: World) {
        if world.live != 0 { world.fail(.rest, "\(world.live) requests live") }
        for node in world.nodes {
            world.seeOwn(node)
            if let request = node.requests.values.min(by: { $0.number < $1.number }) {
                world.fail(.rest, "n\(node.index): request \(request.number) of \(Time.text(request.began))")
            }
            for tier in node.tiers where tier.inHand + tier.running.count + tier.backlog.count > 0 {
                world.fail(.rest, "n\(node.index) \(tier.name): \(tier.inHand) in hand")
            }
            if node.connections.count > 4 * world.nodes.count || node.subscribers.count > 2 * world.nodes.count {
                world.fail(.sizes, "n\(node.index): \(node.connections.count) connections")
            }
            for tier in node.tiers {
                let work = Workload(tier: tier.name, promptTokens: 100)
                for verdict in node.fleet.verdicts(work, at: node.now(world.moment)) where verdict.inHand != 0 {
                    world.fail(
                        .rest,
                        "n\(node.index) believes \(verdict.inHand) of \(tier.name) in hand at \(verdict.name)")
                }
            }
            restarted(node, world)
        }
    }

    /// A router that knows what a ledger keeps, once it has heard everybody.
    private static func restarted(_ node: SimNode, _ world: World) {
        let now = node.now(world.moment)
        var membership = Membership(own: node.id, cluster: node.cluster)
        var fleet = Fleet()
        node.recall(&fleet)
        let members = node.membership.members.values.sorted { $0.id.rawValue < $1.id.rawValue }
        for member in members {
            guard let place = member.place, let description = member.description, member.health == .up else { continue }
            _ = membership.remembered(member.id, at: [place])
            _ = membership.described(.memory(member.id), description, from: place, at: now)
            _ = membership.pinged(.memory(member.id), at: now + 1)
            guard let known = membership.members[member.id], let host = Host(known) else { continue }
            fleet.set(host)
        }
        fleet.set(Host(local: node.description))
        for tier in ["code-fast", "code-smart", "plan"] {
            for tokens in [50, 500, 5000, 50_000] {
                let work = Workload(tier: tier, promptTokens: tokens, seed: UInt64(tokens))
                let (old, new) = (node.fleet.place(work, at: now), fleet.place(work, at: now + 1))
                switch (old, new) {
                case (.host(let old), .host(let new)) where old.id != new.id:
                    let cost = node.fleet.verdicts(work, at: now).first { $0.id == new.id }?.cost
                    if (cost?.total ?? .infinity) > old.cost.total * (1 + Fleet.tie) {
                        world.fail(
                            .restart,
                            """
                            n\(node.index), \(tier), \(tokens) tokens: \(new.name) for \(new.cost), which was \
                            \(cost.map { "\($0)" } ?? "not there"), not \(old.name) for \(old.cost)
                            """)
                    }
                case (.host(let host), .unserved), (.unserved, .host(let host)):
                    world.fail(
                        .restart, "n\(node.index), \(tier), \(tokens) tokens: only one of two asks \(host.name)")
                default: break
                }
            }
        }
    }
}
