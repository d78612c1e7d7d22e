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
        passed(now)
        let isGated = changeTraffic(tier) { memory in
            memory.report == nil ? [] : memory.admission.enter(ticket, request, at: now)
        }
        if !isGated { news.append(AdmissionNews(ticket, .admitted)) }
        return ticket
    }

    /// A request is over, or given up while it waits. A ticket that is not held changes nothing.
    package mutating func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?, at now: Double) {
        passed(now)
        let isGated = changeTraffic(ticket.tier) { $0.leave(ticket, timings, at: now) }
        // No tier of models.ini any more: it is forgotten with its last request.
        if !isGated, !catalog.tiers.contains(where: { $0.name == ticket.tier }),
            memories[ticket.tier]?.admission.isEmpty == true
        {
            memories[ticket.tier] = nil
        }
    }

    /// Lets a tier's requests change what is remembered of it, and describes what that changes. This is done for each of
    /// them, so that it is in place, and looks things up once.
    ///
    /// - Returns: whether it is a tier with a gate.
    private mutating func changeTraffic(_ name: String, _ change: (inout Memory) -> [AdmissionNews]) -> Bool {
        guard let memory = memories.index(forKey: name) else { return false }
        return memories.values[memory].changeTraffic(of: &description, &news, at: time, change)
    }

    /// What is to be told to requests since the last call, in order.
    package mutating func takeNews() -> [AdmissionNews] {
        defer { news = [] }
        return news
    }
}

extension AgentState.Memory {
    fileprivate mutating func changeTraffic(
        of description: inout NodeDescription, _ news: inout [AdmissionNews], at now: Double,
        _ change: (inout Self) -> [AdmissionNews]
    ) -> Bool {
        news += change(&self)
        guard let report else { return false }
        if tellTraffic(of: &description.tiers[report], at: now) { description.sequence += 1 }
        return true
    }

    fileprivate mutating func leave(
        _ ticket: AdmissionTicket, _ timings: ReplyTimings?, at now: Double
    ) -> [AdmissionNews] {
        guard admission.holds(ticket) else { return [] }
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
    private func tellTraffic(of report: inout TierReport, at now: Double) -> Bool {
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
