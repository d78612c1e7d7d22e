package import Cluster
package import Wire

/// Who gets onto this host's tiers, and what is told of it.
extension AgentState {
    /// A request wants onto a tier. A tier that is none of this host's lets everybody in, and nobody is counted.
    package mutating func enter(_ ticket: AdmissionTicket, _ request: AdmissionRequest, at now: Double) {
        guard catalog.tiers.contains(where: { $0.name == ticket.tier }) else {
            answers.append(.init(ticket: ticket.number, answer: .admitted))
            return
        }
        var memory = memories.removeValue(forKey: ticket.tier) ?? Memory()
        answers += memory.admission.ask(
            ticket.number, request, service: memory.service(of: request), at: now)
        memories[ticket.tier] = memory
        describeCounts(ticket.tier, at: now)
    }

    /// Done, failed, or given up while it waited.
    package mutating func leave(_ ticket: AdmissionTicket, _ timings: ReplyTimings?, at now: Double) {
        guard var memory = memories.removeValue(forKey: ticket.tier) else { return }
        answers += memory.admission.leave(ticket.number, at: now)
        if let timings { memory.learn(from: timings) }
        memories[ticket.tier] = memory
        describeCounts(ticket.tier, at: now)
    }

    /// Takes what requests are to be told.
    package mutating func takeAnswers() -> [TierAdmission.Answer] {
        if answers.isEmpty { return [] }
        defer { answers = [] }
        return answers
    }

    /// What requests change, and nothing else: this is done for each of them.
    mutating func describeCounts(_ name: String, at now: Double) {
        guard let index = description.tiers.firstIndex(where: { $0.name == name }), let memory = memories[name] else {
            return
        }
        var report = description.tiers[index]
        report.busy = memory.admission.inHand
        report.queued = memory.queued
        report.speed = memory.speed
        report.waiting =
            memory.admission.waiting == 0
            ? nil : memory.admission.line(at: now).map { TierReport.Waiting(request: $0.request, seconds: $0.seconds) }
        guard report != description.tiers[index] else { return }
        description.tiers[index] = report
        description.sequence += 1
    }
}

extension AgentState.Memory {
    /// Requests in hand that no slot works on.
    var queued: Int { max(0, admission.inHand - admission.slots) }

    /// Takes one reply into what is known of the tier's speed.
    mutating func learn(from timings: ReplyTimings) {
        speed.learn(from: timings)
        guard timings.promptTokens >= TierSpeed.leastPrompt, timings.promptMilliseconds > 0 else { return }
        prefill.take(
            tokens: timings.promptTokens, after: timings.cachedTokens, seconds: timings.promptMilliseconds / 1000)
        speed.prefillCurve = prefill.curve
    }

    /// Seconds that a request is expected to run; nil where nothing was observed.
    func service(of request: AdmissionRequest) -> Double? {
        guard let rate = speed.prefillRate, let decode = speed.decodeRate, rate > 0, decode > 0 else {
            return nil
        }
        let output = min(request.outputTokens ?? Workload.typicalOutput, Workload.typicalOutput)
        let load = process == .ready ? 0 : speed.loadSeconds ?? 0
        let prompt = Double(request.promptTokens)
        return load + (speed.prefillCurve?.seconds(of: prompt) ?? prompt / rate) + Double(output) / decode
    }
}
