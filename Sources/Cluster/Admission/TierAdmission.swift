/// Whom a tier of this host serves now, who waits for it, and who is sent away. Times are seconds on any one monotonic
/// clock; each input says what is to be told to whom.
///
/// A request that asks:
/// 1. Fewer than slots + ``extraInFlight`` are in flight, and so nobody waits: admitted.
/// 2. ``queueLimit`` wait: refused.
/// 3. Else it waits, where ``place(of:)`` puts it.
///
/// Then, and after each other input:
/// 4. Who has waited for ``patience`` is refused.
/// 5. While there is room in flight, the first of those that wait is admitted.
/// 6. A free slot begins with the oldest in flight that has none: that is when its time starts to count.
/// 7. Whoever waits at another position than it was last told is told.
package struct TierAdmission: Equatable, Sendable {
    /// Requests in flight beyond the slots. It waits inside llama-server, which begins with it the moment that a slot is
    /// free: the slot idles neither for the way back through two proxies nor for the next one's way there.
    package static let extraInFlight = 1
    /// Requests of a tier that wait. Where one takes nine seconds or more, and few take less, those behind would be
    /// refused by ``patience`` anyway; and each holds its body in memory.
    package static let queueLimit = 32
    /// Seconds for which a request may wait: a client that hears nothing for so long gives up (opencode does).
    package static let patience = 300.0

    private struct InFlight: Equatable, Sendable {
        var ticket: AdmissionTicket
        var request: AdmissionRequest
        /// When a slot began with it; nil while it waits for one.
        var began: Double?
    }

    private struct Waiting: Equatable, Sendable {
        var ticket: AdmissionTicket
        var request: AdmissionRequest
        var asked: Double
        /// The position that it was told last.
        var told: Int?
    }

    /// Requests that run at once: 1 at least.
    package private(set) var slots = 1
    private var estimate = ServiceEstimate()
    /// In the order in which they were admitted.
    private var inFlight: [InFlight] = []
    /// Next one first.
    private var line: [Waiting] = []

    package init() {}

    // MARK: Inputs

    /// A request asks to be let in.
    package mutating func enter(
        _ ticket: AdmissionTicket, _ request: AdmissionRequest, at now: Double
    ) -> [AdmissionNews] {
        var news = settle(at: now)
        // 1
        if hasRoom {
            inFlight.append(InFlight(ticket: ticket, request: request))
            news.append(AdmissionNews(ticket, .admitted))
        } else if line.count >= Self.queueLimit {
            // 2
            let refusal = refusal(.queueFull, of: ticket, after: outlook(at: now).firstRelease)
            return news + [AdmissionNews(ticket, .refused(refusal))]
        } else {
            // 3
            line.insert(Waiting(ticket: ticket, request: request, asked: now), at: place(of: request))
        }
        return news + settle(at: now)
    }

    /// A request is over, or given up while it waits. One that is not here changes nothing.
    ///
    /// - Parameter served: seconds of work, by the engine's own clock; nil when it did not say.
    package mutating func leave(_ ticket: AdmissionTicket, served: Double? = nil, at now: Double) -> [AdmissionNews] {
        line.removeAll { $0.ticket == ticket }
        if let index = inFlight.firstIndex(where: { $0.ticket == ticket }) {
            if let began = inFlight.remove(at: index).began {
                estimate.learn(since: began, served: served, at: now)
            }
        }
        return settle(at: now)
    }

    /// What is known of the tier has changed. With fewer slots than before, those in flight stay.
    package mutating func use(
        slots: Int, speed: TierSpeed, readiness: ServiceEstimate.Readiness, at now: Double
    ) -> [AdmissionNews] {
        self.slots = max(1, slots)
        estimate.speed = speed
        estimate.readiness = readiness
        return settle(at: now)
    }

    /// Time passes.
    package mutating func tick(at now: Double) -> [AdmissionNews] { settle(at: now) }

    /// Other weights run from now on: how long requests took says nothing of them.
    package mutating func forgetTimes() { estimate.forget() }

    // MARK: What there is

    package var inFlightCount: Int { inFlight.count }

    package var waitingCount: Int { line.count }

    /// Requests in hand that no slot works on.
    package var queuedCount: Int { line.count + max(0, inFlight.count - slots) }

    package var isEmpty: Bool { inFlight.isEmpty && line.isEmpty }

    package func holds(_ ticket: AdmissionTicket) -> Bool {
        inFlight.contains { $0.ticket == ticket } || line.contains { $0.ticket == ticket }
    }

    /// Those that wait, next one first, with the seconds until a slot is expected to begin with each.
    package func waiting(at now: Double) -> [(request: String, seconds: Double)] {
        guard !line.isEmpty else { return [] }
        return zip(line, outlook(at: now).starts).map { ($0.request.id, $1) }
    }

    /// Seconds until the tier takes requests: 0 when it does.
    package func loadRemaining(at now: Double) -> Double { estimate.loadRemaining(at: now) }

    // MARK: Decisions

    private var hasRoom: Bool { inFlight.count < slots + Self.extraInFlight }

    /// Where in line a new request stands: at the end. The one place that decides who goes first; fairness across
    /// ``AdmissionRequest/client`` belongs here.
    private func place(of request: AdmissionRequest) -> Int { line.count }

    private mutating func settle(at now: Double) -> [AdmissionNews] {
        guard !line.isEmpty else {
            beginWork(at: now)
            return []
        }
        var news = refuseTheLate(at: now)
        // 5
        while hasRoom, !line.isEmpty {
            let next = line.removeFirst()
            inFlight.append(InFlight(ticket: next.ticket, request: next.request))
            news.append(AdmissionNews(next.ticket, .admitted))
        }
        beginWork(at: now)
        // 7
        let moved = line.indices.filter { line[$0].told != $0 }
        guard !moved.isEmpty else { return news }
        let starts = outlook(at: now).starts
        for position in moved {
            line[position].told = position
            news.append(
                AdmissionNews(line[position].ticket, .queued(position: position, seconds: starts[position])))
        }
        return news
    }

    /// 6
    private mutating func beginWork(at now: Double) {
        var free = slots - inFlight.count { $0.began != nil }
        for index in inFlight.indices where free > 0 && inFlight[index].began == nil {
            inFlight[index].began = now
            free -= 1
        }
    }

    /// 4
    private mutating func refuseTheLate(at now: Double) -> [AdmissionNews] {
        guard line.contains(where: { now - $0.asked >= Self.patience }) else { return [] }
        let starts = outlook(at: now).starts
        let late = zip(line, starts).filter { now - $0.0.asked >= Self.patience }
        line.removeAll { now - $0.asked >= Self.patience }
        return late.map { one, start in
            AdmissionNews(one.ticket, .refused(refusal(.tooLate, of: one.ticket, after: start)))
        }
    }

    private func refusal(
        _ reason: AdmissionRefusal.Reason, of ticket: AdmissionTicket, after seconds: Double
    ) -> AdmissionRefusal {
        let whole = Int(min(max(seconds, 1), Self.patience).rounded(.up))
        return AdmissionRefusal(reason, retryAfter: whole, tier: ticket.tier, waiting: line.count)
    }

    /// Lets the tier's work run ahead: each slot that is released begins with whoever is next.
    ///
    /// - Returns: seconds until a slot begins with each that waits, and until the first that is served is over.
    private func outlook(at now: Double) -> (starts: [Double], firstRelease: Double) {
        var releases = inFlight.compactMap { one in
            one.began.map { estimate.remaining(one.request, since: $0, at: now) }
        }.sorted()
        let firstRelease = releases.first ?? estimate.loadRemaining(at: now)
        if releases.count > slots {
            // There were more slots: the first releases free none.
            releases.removeFirst(releases.count - slots)
        } else {
            let idle = Array(repeating: estimate.loadRemaining(at: now), count: slots - releases.count)
            releases = (idle + releases).sorted()
        }
        func start(_ request: AdmissionRequest) -> Double {
            let start = releases.removeFirst()
            let end = start + estimate.seconds(of: request)
            releases.insert(end, at: releases.firstIndex { $0 > end } ?? releases.endIndex)
            return start
        }
        for one in inFlight where one.began == nil { _ = start(one.request) }
        return (line.map { start($0.request) }, firstRelease)
    }
}
