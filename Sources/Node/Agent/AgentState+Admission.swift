package import Cluster
package import Wire

// Each tier admits its own requests; what it says to them collects here until the driver takes it.

extension AgentState {
    /// A request asks to be let in at a tier. What is no local tier of this host's lets everything in at once: it is
    /// llama-swap's to judge, and nothing is counted.
    ///
    /// - Returns: its ticket; the answer is in ``takeNews()``.
    package mutating func enter(_ tier: String, _ request: AdmissionRequest, at now: Double) -> AdmissionTicket {
        lastTicket += 1
        let ticket = AdmissionTicket(number: lastTicket, tier: tier)
        guard catalog.tiers.contains(where: { $0.name == tier && !$0.isHosted }) else {
            news.append(AdmissionNews(ticket, .admitted))
            return ticket
        }
        passed(now)
        news += memories[tier, default: Memory()].admission.enter(ticket, request, at: now)
        describeTraffic(tier)
        return ticket
    }

    /// A request is over, or given up while it waits. A ticket that is not held changes nothing.
    package mutating func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?, at now: Double) {
        let tier = ticket.tier
        guard memories[tier]?.admission.holds(ticket) == true else { return }
        passed(now)
        // In place: a copy would have its lists copied, too.
        news += memories[tier]?.leave(ticket, timings, at: now) ?? []
        if memories[tier]?.admission.isEmpty == true, !catalog.tiers.contains(where: { $0.name == tier }) {
            memories[tier] = nil
        }
        describeTraffic(tier)
    }

    /// What requests change of a tier, and nothing else: this is done for each of them.
    private mutating func describeTraffic(_ name: String) {
        guard let index = description.tiers.firstIndex(where: { $0.name == name }), let memory = memories[name],
            memory.tellTraffic(of: &description.tiers[index], at: time)
        else { return }
        description.sequence += 1
    }

    /// What is to be told to requests since the last call, in order.
    package mutating func takeNews() -> [AdmissionNews] {
        defer { news = [] }
        return news
    }
}

extension AgentState.Memory {
    fileprivate mutating func leave(
        _ ticket: AdmissionTicket, _ timings: ReplyTimings?, at now: Double
    ) -> [AdmissionNews] {
        var news = admission.leave(ticket, served: timings?.seconds, at: now)
        if let timings {
            learn(from: timings)
            news += settle(at: now)
        }
        return news
    }

    /// Takes one reply into what is known of the tier's speed.
    mutating func learn(from timings: ReplyTimings) {
        speed.learn(from: timings)
        guard timings.promptTokens >= TierSpeed.leastPrompt, timings.promptMilliseconds > 0 else { return }
        prefill.take(
            tokens: timings.promptTokens, after: timings.cachedTokens, seconds: timings.promptMilliseconds / 1000)
        speed.prefillCurve = prefill.curve
    }

    /// Lets those that wait know what has become of the tier.
    mutating func settle(at now: Double) -> [AdmissionNews] {
        let readiness: ServiceEstimate.Readiness =
            switch process {
            case .ready: .ready(since: readySince ?? now)
            case .starting: .loading(since: loadBegan)
            case .stopping, .stopped, nil: .stopped
            }
        return admission.use(slots: slotCount, speed: speed, readiness: readiness, at: now)
    }

    /// llama-server's word, and one until it is heard.
    var slotCount: Int { slots?.count ?? 1 }

    /// - Returns: whether the report has changed.
    fileprivate func tellTraffic(of report: inout TierReport, at now: Double) -> Bool {
        let (inHand, queued, waiting) = (inHand, admission.queuedCount, waiting(at: now))
        let loadRemaining = loadRemaining(at: now)
        if report.busy == inHand, report.queued == queued, report.loadRemaining == loadRemaining,
            report.speed == speed, report.waiting == waiting
        {
            return false
        }
        report.busy = inHand
        report.queued = queued
        report.waiting = waiting
        report.loadRemaining = loadRemaining
        report.speed = speed
        return true
    }

    /// Requests in hand.
    var inHand: Int { admission.inFlightCount + admission.waitingCount }

    /// Whether what is told of it changes with nothing but the time.
    var changesWithTime: Bool { process == .starting || admission.waitingCount > 0 }

    /// As others are told: to the tenth of a second.
    func waiting(at now: Double) -> [TierReport.Waiting] {
        admission.waiting(at: now).map { .init(request: $0.request, seconds: ($0.seconds * 10).rounded() / 10) }
    }

    /// In whole seconds, so that it is not a change whenever something else is. nil unless the load's beginning was
    /// seen, and an earlier load.
    func loadRemaining(at now: Double) -> Double? {
        guard process == .starting, loadBegan != nil, speed.loadSeconds != nil else { return nil }
        return admission.loadRemaining(at: now).rounded(.up)
    }
}

extension ReplyTimings {
    /// For which a slot worked on it.
    fileprivate var seconds: Double { (promptMilliseconds + decodeMilliseconds) / 1000 }
}
