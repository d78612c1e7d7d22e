import Cluster

// What a router does with a request: `PlacedRequest` in production.

extension World {
    // MARK: People

    func planPerson(_ node: SimNode) {
        guard isLoaded else { return }
        schedule(.person(node.index), in: people.spread(Time.second, 32 * Time.second))
    }

    func arrive(_ node: SimNode) {
        let tokens = people.percent(85) ? people.spread(20, 4000) : people.spread(4000, 60_000)
        let ask: PlacementQuestion.Ask
        if people.percent(60) {
            var facts = RequestFacts()
            facts.characters = tokens * 4
            facts.turns = people.between(1, 9)
            facts.hasTools = people.percent(30)
            if people.percent(20) { facts.signals = .plan }
            if people.percent(3) { facts.triggers = .ultraTrigger }
            if people.percent(2) { facts.triggers = .uncensoredTrigger }
            ask = .auto(facts)
        } else {
            ask = .tier(people.pick(["code-fast", "code-smart", "plan", "plan", "nothing"]), isLocal: nil)
        }
        let output = people.spread(5, 600)
        let request = SimRequest(
            newNumber(), router: node.index, ask,
            Workload(
                tier: "", promptTokens: tokens, outputLimit: people.percent(50) ? output : nil, isOwn: true,
                seed: people.next()),
            output: output, client: nil, began: moment)
        if people.percent(10) {
            after(people.spread(Time.second / 4, 2 * Time.minute), .clientLeaves(request), on: node)
        }
        begin(request, node)
    }

    private func newNumber() -> Int {
        requestCount += 1
        return requestCount
    }

    /// Another node's router asks.
    ///
    /// - Parameter number: of the request there.
    func serveGuest(
        _ connection: Connection, _ number: Int, _ work: Workload, _ tier: String, _ output: Int, _ node: SimNode
    ) {
        var work = work
        work.isOwn = false
        work.tier = tier
        let request = SimRequest(
            newNumber(), placedAs: number, router: node.index, .here(tier), work, output: output, client: connection,
            began: moment)
        connection.guest = request
        begin(request, node)
    }

    func clientLeft(_ request: SimRequest, _ node: SimNode) {
        guard request.outcome == nil else { return }
        note(.left, node, request.number)
        let stay = request.stay
        if plan.breaks == .leave, request.client != nil {
            request.stay = nil
        } else {
            leaveHost(request, .undecided, node)
        }
        finish(request, .left, node)
        Checks.left(stay, node, self)
    }

    // MARK: Choosing

    private func begin(_ request: SimRequest, _ node: SimNode) {
        live += 1
        node.requests[request.number] = request
        if !request.attempts.isPlacedElsewhere {
            node.budget.took(at: node.now(moment))
            node.arrivals.append(moment)
        }
        if !goOn(request, node) { refuse(request, node) }
    }

    private func route(_ request: SimRequest, except tried: [NodeID], _ node: SimNode) -> Route {
        let now = node.now(moment)
        seeOwn(node)
        var work = request.work
        if plan.breaks == .clock { work.seed ^= UInt64(node.clock.origin) }
        return node.fleet.route(PlacementQuestion(request.ask, work, except: tried), by: terms, at: now)
    }

    /// The router's own host, as it is now.
    func seeOwn(_ node: SimNode) {
        guard node.localSequence != node.description.sequence else { return }
        node.fleet.set(Host(local: node.description))
        node.localSequence = node.description.sequence
        node.keep(node.description)
    }

    private func goOn(_ request: SimRequest, _ node: SimNode) -> Bool {
        goOn(request, route(request, except: request.attempts.tried, node), node)
    }

    private func goOn(_ request: SimRequest, _ route: Route, _ node: SimNode) -> Bool {
        Checks.placed(request, route, node, self)
        guard case .host(let verdict) = route.decision else { return false }
        placedCount += 1
        request.hostsAsked += 1
        note(.placed, node, request.number, Self.number(of: verdict.id))
        node.fleet.sent(route.tier, to: verdict.id)
        request.stay = .init(host: verdict.id, tier: route.tier, cost: verdict.cost)
        if verdict.isLocal {
            // A tier that its host does not have is llama-swap's to refuse.
            if enter(request, route.tier, node) == nil { noReply(request, nil, node) }
        } else if let place = verdict.place {
            let connection = connection(.request(request), from: node, to: place)
            request.stay?.connection = connection
            send(
                .ask(request.work, tier: route.tier, output: request.output, number: request.placedAs),
                on: connection, toServer: true)
            after(node.clock.moments(Self.requestPatience), .timeout(connection), on: node)
        }
        return true
    }

    private func refuse(_ request: SimRequest, _ node: SimNode) {
        note(.unserved, node, request.number)
        answer(503, request, node)
        finish(request, .refused, node)
    }

    /// Of the router itself.
    private func answer(_ status: Int, _ request: SimRequest, _ node: SimNode) {
        guard let client = request.client else { return }
        send(.head(status), on: client, toServer: false)
        send(.end, on: client, toServer: false)
    }

    /// - Returns: whether another host is asked.
    private func passBy(_ outcome: Attempts.Outcome, _ request: SimRequest, _ node: SimNode) -> Bool {
        let now = node.now(moment)
        let forgets = plan.breaks == .attempts && !request.sawByte && !request.attempts.isPlacedElsewhere
        let attempts = forgets ? Attempts() : request.attempts
        let budget = plan.breaks == .budget ? RetryBudget() : node.budget
        guard attempts.mayAskAnother(after: outcome, budget, at: now), let stay = request.stay,
            case .host = route(request, except: request.attempts.tried + [stay.host], node).decision
        else { return false }
        let status = if case .status(let status) = outcome { status } else { 502 }
        leaveHost(request, status >= 500 ? .failed : .undecided, node)
        request.attempts.passedBy(stay.host)
        if outcome.isFault {
            node.budget.retried(at: now)
            node.retries.append(moment)
        }
        retryCount += 1
        Checks.goesOn(request, outcome, node, self)
        if !goOn(request, node) { refuse(request, node) }
        return true
    }

    private func withdrawal(
        of request: SimRequest, _ stay: SimRequest.Stay, _ node: SimNode
    ) -> (Workload, (to: Verdict, why: Withdrawal.Reason))? {
        var work = request.work
        (work.tier, work.isFlexible) = (stay.tier, true)
        if plan.breaks == .restless, case .tier = request.ask, !request.sawByte,
            case .host(let other) = route(request, except: [stay.host], node).decision
        {
            return (work, (other, .shorterWait(saving: 0)))
        }
        let (attempts, now) = (request.attempts, node.now(moment))
        guard attempts.mayBeWithdrawn else { return nil }
        seeOwn(node)
        let move = node.fleet.withdrawal(
            of: "\(request.placedAs)", work, from: stay.host, except: attempts.tried + attempts.left, at: now)
        guard let move, !move.why.isFault || node.budget.allowsRetry(at: now) else { return nil }
        return (work, move)
    }

    /// Once a second: takes requests to other hosts that had better not wait where they do.
    func reconsider(_ node: SimNode) {
        for request in node.requests.values.sorted(by: { $0.number < $1.number }) {
            guard let stay = request.stay, request.outcome == nil,
                let (work, move) = withdrawal(of: request, stay, node)
            else { continue }
            if move.why.isFault {
                node.budget.retried(at: node.now(moment))
                node.retries.append(moment)
            }
            leaveHost(request, .undecided, node)
            request.attempts.withdrawn(from: stay.host)
            request.moves += 1
            moveCount += 1
            Checks.goesOn(request, move.why.isFault ? .noReply : .status(429), node, self)
            if !goOn(request, Route(named: work, .host(move.to)), node) { refuse(request, node) }
        }
    }

    // MARK: What comes back

    /// - Returns: whether another host is asked.
    @discardableResult
    func head(_ status: Int, _ request: SimRequest, _ node: SimNode) -> Bool {
        guard request.outcome == nil else { return false }
        note(.head, node, request.number, status)
        if passBy(.status(status), request, node) { return true }
        request.attempts.commit()
        request.sawByte = true
        if let client = request.client { send(.head(status), on: client, toServer: false) }
        return false
    }

    func ended(_ request: SimRequest, _ status: Int, _ node: SimNode) {
        guard request.outcome == nil else { return }
        note(.ended, node, request.number, status)
        var outcome = Fleet.Outcome.undecided
        if status >= 500 { outcome = .failed }
        if status < 400 { outcome = .served(observation(request)) }
        leaveHost(request, outcome, node)
        if let client = request.client { send(.end, on: client, toServer: false) }
        finish(request, status < 400 ? .served : status == 429 ? .refused : .failed, node)
    }

    private func observation(_ request: SimRequest) -> Observation? { nil }

    /// The tier's gate has no place.
    func refused(_ request: SimRequest, _ node: SimNode) {
        guard request.outcome == nil else { return }
        if passBy(.status(429), request, node) { return }
        leaveHost(request, .undecided, node)
        answer(429, request, node)
        finish(request, .refused, node)
        if plan.breaks == .outcome { finish(request, .refused, node) }
    }

    func hearReply(_ message: Message, _ request: SimRequest, _ connection: Connection, _ node: SimNode) {
        guard request.stay?.connection === connection, request.outcome == nil else { return }
        switch message {
        case .head(let status):
            connection.hasAnswered = true
            connection.status = status
            head(status, request, node)
        case .end: ended(request, connection.status, node)
        case .closed: noReply(request, connection, node)
        default: break
        }
    }

    /// The connection is over, and the reply is not.
    func noReply(_ request: SimRequest, _ connection: Connection?, _ node: SimNode) {
        guard request.outcome == nil else { return }
        if plan.breaks == .byte, request.attempts.isCommitted { request.attempts = Attempts() }
        if passBy(.noReply, request, node) { return }
        let hasBegun = request.sawByte
        leaveHost(request, hasBegun ? .undecided : .failed, node)
        if let client = request.client {
            if hasBegun { close(client, byServer: true) } else { answer(502, request, node) }
        }
        finish(request, hasBegun ? .lost : .failed, node)
    }

    // MARK: Ending

    /// Gives back what the request has at the host where it is.
    private func leaveHost(_ request: SimRequest, _ outcome: Fleet.Outcome, _ node: SimNode) {
        guard let stay = request.stay else { return }
        request.stay = nil
        if let job = stay.job { leave(job, node) }
        if let connection = stay.connection { close(connection, byServer: false) }
        if case .failed = outcome { Checks.failed(stay.tier, stay.host, node) }
        _ = node.fleet.ended(stay.tier, on: stay.host, outcome, at: node.now(moment))
        if case .served = outcome { node.keepLessons() }
    }

    func finish(_ request: SimRequest, _ outcome: SimRequest.Outcome, _ node: SimNode) {
        if let before = request.outcome {
            return fail(.oneOutcome, "request \(request.number) was \(before), and then \(outcome)")
        }
        request.outcome = outcome
        outcomes[outcome.rawValue] += 1
        live -= 1
        node.requests[request.number] = nil
        note(.outcome, node, request.number, outcome.rawValue)
    }
}
