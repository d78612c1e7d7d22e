import Cluster

// Who gets onto a host's tiers, and what its engine makes of it.

extension World {
    /// Seconds at most that the engine works on a request, however slow it is.
    private static let longestService = 100.0

    func enter(_ request: SimRequest, _ tierName: String, _ node: SimNode) -> Job? {
        guard let index = node.tiers.firstIndex(where: { $0.name == tierName }) else { return nil }
        let tier = node.tiers[index]
        ticketCount += 1
        let job = Job(ticketCount, tier: index, request)
        request.stay?.job = job
        tier.live[job.ticket] = job
        let now = node.now(moment)
        let answers = tier.admission.enter(
            tier.ticket(job.ticket),
            AdmissionRequest(
                id: "\(request.placedAs)", promptTokens: request.work.promptTokens,
                outputTokens: request.work.outputLimit),
            at: now)
        if plan.breaks == .queue, case .queued? = answers.first(where: { $0.ticket.number == job.ticket })?.answer {
            start(job, tier, node)
        }
        tell(answers, tier, node)
        changed(node)
        return job
    }

    private func tell(_ answers: [AdmissionNews], _ tier: SimTier, _ node: SimNode) {
        for answer in answers {
            guard let job = tier.live[answer.ticket.number] else { continue }
            switch answer.answer {
            case .queued(let position, _): note(.queued, node, Int(job.ticket), position)
            case .admitted:
                note(.admitted, node, Int(job.ticket))
                start(job, tier, node)
            case .refused(let refusal):
                note(.refused, node, Int(job.ticket), refusal.retryAfter)
                tier.live[answer.ticket.number] = nil
                job.phase = .over
                refused(job.request, node)
            }
        }
    }

    /// The request has no more to do with this host's tier.
    func leave(_ job: Job, _ node: SimNode) {
        let tier = node.tiers[job.tier]
        guard tier.live[job.ticket] === job else { return }
        tier.live[job.ticket] = nil
        job.phase = .over
        tier.running.removeAll { $0 === job }
        tier.backlog.removeAll { $0 === job }
        tier.idleSince = node.now(moment)
        let answers = tier.admission.leave(tier.ticket(job.ticket), at: node.now(moment))
        pump(tier, node)
        tell(answers, tier, node)
        changed(node)
    }

    // MARK: The engine

    private func start(_ job: Job, _ tier: SimTier, _ node: SimNode) {
        guard case .asking = job.phase else { return }
        job.phase = .admitted
        tier.backlog.append(job)
        if tier.state != .ready, tier.state != .loading { load(tier, node) }
        pump(tier, node)
    }

    private func load(_ tier: SimTier, _ node: SimNode) {
        tier.state = .loading
        tier.loadNumber += 1
        note(.loading, node, tier.loadNumber)
        guard let index = node.tiers.firstIndex(where: { $0 === tier }) else { return }
        let seconds = tier.loadSeconds * Double(engines.between(80, 120)) / 100
        after(node.clock.moments(seconds), .loaded(tier: index, number: tier.loadNumber), on: node)
        changed(node)
    }

    func loaded(_ node: SimNode, _ tier: SimTier, _ number: Int) {
        guard tier.loadNumber == number, tier.state == .loading else { return }
        let fails = node.loadFaults > 0
        note(.loaded, node, number, fails ? 0 : 1)
        tier.idleSince = node.now(moment)
        if fails {
            tier.state = .failed
            tier.failedUntil = node.now(moment) + SimTier.failureMemory
            changed(node)
            for job in tier.backlog where tier.live[job.ticket] === job { replied(502, job, node) }
        } else {
            tier.state = .ready
            tier.speed.loadSeconds = TierSpeed.mean(tier.speed.loadSeconds, with: tier.loadSeconds)
            changed(node)
            pump(tier, node)
        }
    }

    private func pump(_ tier: SimTier, _ node: SimNode) {
        guard tier.state == .ready else { return }
        while tier.running.count < tier.slots, !tier.backlog.isEmpty {
            let job = tier.backlog.removeFirst()
            job.phase = .running
            tier.running.append(job)
            after(node.clock.moments(prefillSeconds(job, tier, node)), .firstByte(job), on: node)
        }
    }

    private func slowdown(_ node: SimNode) -> Double { node.slowness > 0 ? 5 : 1 }

    private func prefillSeconds(_ job: Job, _ tier: SimTier, _ node: SimNode) -> Double {
        min(0.01 + Double(job.request.work.promptTokens) / tier.prefillRate * slowdown(node), Self.longestService / 2)
    }

    private func decodeSeconds(_ job: Job, _ tier: SimTier, _ node: SimNode) -> Double {
        min(Double(job.request.output) / tier.decodeRate * slowdown(node), Self.longestService / 2)
    }

    func firstByte(_ job: Job, _ node: SimNode) {
        let tier = node.tiers[job.tier]
        guard tier.live[job.ticket] === job, job.phase == .running else { return }
        if node.errorFaults > 0, engines.percent(90) {
            return replied(engines.pick([500, 502, 503]), job, node)
        }
        let work = job.request.work
        if tier.context > 0, work.promptTokens > tier.context { return replied(400, job, node) }
        after(node.clock.moments(decodeSeconds(job, tier, node)), .lastByte(job), on: node)
        let seconds = prefillSeconds(job, tier, node)
        tier.speed.prefillRate = TierSpeed.mean(tier.speed.prefillRate, with: Double(work.promptTokens) / seconds)
        tier.speed.decodeRate = TierSpeed.mean(tier.speed.decodeRate, with: tier.decodeRate / slowdown(node))
        head(200, job.request, node)
    }

    /// A whole reply at once: what is wrong.
    private func replied(_ status: Int, _ job: Job, _ node: SimNode) {
        let request = job.request
        if !head(status, request, node) { ended(request, status, node) }
    }

    func lastByte(_ job: Job, _ node: SimNode) {
        guard node.tiers[job.tier].live[job.ticket] === job, job.phase == .running else { return }
        ended(job.request, 200, node)
    }

    // MARK: The agent

    /// Once a second.
    func tend(_ node: SimNode) {
        let now = node.now(moment)
        for tier in node.tiers {
            if tier.admission.waitingCount > 0 {
                tell(tier.admission.tick(at: now), tier, node)
                // How long it takes has changed with the time.
                changed(node)
            }
            if tier.state == .failed, now >= tier.failedUntil {
                tier.state = .stopped
                changed(node)
            }
            if tier.state == .ready, tier.live.isEmpty, now - tier.idleSince > SimTier.idleLimit {
                tier.state = .stopped
                changed(node)
            }
        }
        reconsider(node)
    }
}
