import Cluster
import Logging
import NIOCore
import Wire

/// One request's way through the cluster: picks a host, waits for its turn where that is this one, and goes to another
/// where a host fails before it has said anything.
///
/// 1. ``Fleet`` picks; what nobody can serve is refused.
/// 2. On this host the tier's gate lets it in, now or later, or refuses it.
/// 3. Another host is asked at its cluster listener, and does the same there.
/// 4. A host that gives no reply, or one that says that it cannot now, is passed by: once (``Attempts``).
/// 5. The first head that is none of these is the client's.
/// 6. Until then the request is taken to another host where it had better not wait any longer (``Withdrawal``).
final class PlacedRequest: Itinerary {
    /// What is asked for.
    struct Errand {
        var ask: PlacementQuestion.Ask
        var head: RequestHead
        var isEventStream: Bool
        /// Of what the request says: tier and flexibility are set by ``ask``.
        var work: Workload
        /// Whose it is (``HopFields/client(_:_:)``), and their visit at the listener of a cluster with keys.
        var client = ""
        var visit: Visit?
        /// The body for a tier: edited where it must name another model than it does.
        var edit: (_ tier: String, _ isLocal: Bool) -> Disposition.Edit
    }

    let isEventStream: Bool
    private let errand: Errand
    private let cluster: ClusterRouting
    private let began = Uptime.seconds
    private let id: String
    private var loop: (any EventLoop)?
    private var go: ((consuming Leg) -> Void)?
    private var route: Route?
    private var attempts: Attempts
    private var tried: [NodeID] { attempts.tried }
    /// Why no other host was asked after the last failure, for people; nil where nothing more is to be said of that.
    private var hindrance: String?
    /// Where it is now.
    private var stay: Stay?
    private var status = 0
    private var firstByte: Double?
    private var tail = ReplyTail()
    /// Its place in this host's line, as it was told last, and when its turn comes: seconds after the request came.
    private var standing: (position: Int, turn: Double)?
    /// What the client was told last.
    private var noted: String?

    /// A request at a host.
    private final class Stay {
        let verdict: Verdict
        let tier: String
        /// Seconds after the request came.
        let began: Double
        var ticket: AdmissionTicket?
        var isAdmitted = false
        /// Whether it was told to wait for its turn.
        var hasWaited = false

        init(_ verdict: Verdict, _ tier: String, began: Double) {
            self.verdict = verdict
            self.tier = tier
            self.began = began
        }
    }

    init(_ errand: Errand, _ cluster: ClusterRouting) {
        self.errand = errand
        self.cluster = cluster
        // Another node's router tells its client itself, and must see how the request fares here.
        isEventStream = if case .here = errand.ask { false } else { errand.isEventStream }
        if case .here = errand.ask { attempts = Attempts(isPlacedElsewhere: true) } else { attempts = Attempts() }
        id = errand.head.fields[HopFields.request].map { $0.printable(HopFields.idLimit) } ?? HopFields.newID()
    }

    private var elapsed: Double { Uptime.seconds - began }

    // MARK: Itinerary

    func waitingNote() -> ByteBuffer? {
        guard errand.head.path == WaitingNote.path, let stay else { return nil }
        let text = WaitingNote.text(
            tier: stay.tier, host: cluster.host(stay.verdict.id) ?? stay.verdict.host, request: id,
            standing: standing.map { ($0.position, $0.turn - elapsed) })
        guard let text, text != noted else { return nil }
        noted = text
        return WaitingNote.event(of: text, id: id, model: stay.tier)
    }

    var earlyFields: Fields {
        var fields = Fields()
        tellPlace(&fields)
        return fields
    }

    /// A host that has lost its power says nothing any more, and no connection tells of it for minutes. One that said
    /// goodbye, or whose connections end, finishes what it has in hand.
    func prospect(isWaiting: Bool) -> Prospect {
        guard let stay else { return .fair }
        if isWaiting, withdraw(stay) { return .another }
        return !stay.verdict.isLocal && cluster.host(stay.verdict.id)?.fellSilent == true ? .lost : .fair
    }

    /// llama-server ends each stream with `[DONE]`; llama-swap ends it as if all were well when its child dies.
    /// A node that sees that tells it by an event, and its own end is a good one then; so does the stream of a hosted tier.
    var ending: ReplyEnding {
        // 0: no event has come.
        guard errand.isEventStream, status == 200 || status == 0, Self.endedByDone.contains(errand.head.path) else {
            return .unmarked
        }
        if let stay, stay.verdict.isLocal, cluster.isHosted(stay.tier) { return .unmarked }
        if tail.contains("[DONE]", within: 64) { return .whole }
        let isTold =
            tail.contains(#""code":"upstream_lost""#, within: 1024)
            || tail.contains(#""finish_reason":"error""#, within: 4096)
        return isTold ? .told : .missing
    }

    private static let endedByDone: Set<Substring> = ["/v1/chat/completions", "/v1/completions"]

    func begin(on loop: any EventLoop, _ go: @escaping (consuming Leg) -> Void) {
        self.loop = loop
        self.go = go
        // 1
        if !goOn(cluster.choose(question(), isNew: !attempts.isPlacedElsewhere)) { refuse() }
    }

    func replied(_ head: ReplyHead) -> Passage {
        // 4
        if passBy(.status(head.status)) { return .another }
        // 5
        attempts.commit()
        status = head.status
        return .pass(told(head))
    }

    func failed(_ failure: UpstreamFailure) {
        cluster.log.warning("\(errand.head.method) \(errand.head.path): \(failure)")
        let upstream = stay.map { $0.verdict.isLocal ? "llama-swap" : $0.verdict.name } ?? "upstream"
        if !passBy(.noReply) {
            status = 502
            answer(
                OpenAIError(
                    502, "upstream_unavailable",
                    "\(upstream): \(failure). \(hindrance.map { "\($0). " } ?? "")llmstack doctor on that host says more.",
                    retryAfter: 5))
        }
    }

    func received(_ bytes: ByteBuffer) {
        if firstByte == nil { firstByte = elapsed }
        tail.append(bytes)
    }

    func ended(_ end: ExchangeEnd) {
        if case .answered(let status) = end { self.status = status }
        leave(end, status: status)
        go = nil
    }

    // MARK: Choosing

    private func question(except tried: [NodeID] = []) -> PlacementQuestion {
        PlacementQuestion(errand.ask, errand.work, except: tried)
    }

    /// - Returns: whether there is a next leg, or one to come.
    private func goOn(_ route: Route) -> Bool {
        self.route = route
        guard case .host(let verdict) = route.decision else { return false }
        stay = Stay(verdict, route.tier, began: elapsed)
        if case .auto = errand.ask, attempts.left.isEmpty {
            cluster.log.info(
                "auto -> \(route.tier) (\(route.reason)) [path=\(errand.head.path)] [node=\(verdict.name)]")
        }
        if verdict.isLocal { enter(verdict, route.tier) } else { visit(verdict, route.tier) }
        return true
    }

    /// 2
    private func enter(_ verdict: Verdict, _ tier: String) {
        guard let loop else { return }
        let request = AdmissionRequest(
            id: id, client: errand.client, promptTokens: errand.work.promptTokens,
            outputTokens: Int(errand.work.expectedOutput))
        let bound = NIOLoopBound(self, eventLoop: loop)
        let attempt = attempts.number
        let ticket = cluster.gate.enter(tier, request) { answer in
            if loop.inEventLoop {
                bound.value.heard(answer, of: attempt)
            } else {
                loop.execute { bound.value.heard(answer, of: attempt) }
            }
        }
        // An answer that came at once may have been a refusal, after which there is nothing to leave.
        if stay?.verdict.isLocal == true, attempts.number == attempt {
            stay?.ticket = ticket
        } else {
            cluster.gate.leave(ticket, nil)
        }
    }

    private func heard(_ answer: AdmissionAnswer, of attempt: Int) {
        guard attempts.number == attempt, let stay, stay.verdict.isLocal, !stay.isAdmitted, let go else { return }
        switch answer {
        case .queued(let position, let seconds):
            stay.hasWaited = true
            standing = (position, elapsed + seconds)
        case .admitted:
            stay.isAdmitted = true
            standing = nil
            var head = errand.head
            HopFields.strip(&head.fields, isOwn: errand.work.isOwn)
            go(cluster.leg(head, to: stay.tier, errand.edit(stay.tier, true)))
        case .refused(let refusal):
            if !passBy(.status(429)) {
                status = 429
                self.answer(
                    OpenAIError(
                        429, "rate_limit_exceeded",
                        "\(stay.verdict.name) has no place for \"\(stay.tier)\": \(refusal)",
                        retryAfter: refusal.retryAfter))
            }
        }
    }

    /// 3
    private func visit(_ verdict: Verdict, _ tier: String) {
        guard let place = verdict.place, let go else { return refuse() }
        var head = errand.head
        // A query may hold credentials too, and means nothing to a tier.
        head.target = String(head.path)
        HopFields.strip(&head.fields, isOwn: false)
        HopFields.mark(&head.fields, id: id, client: errand.client)
        go(.send(head, cluster.node.transport.endpoint(place, verdict.id), errand.edit(tier, false)))
    }

    /// Leaves a host that cannot serve the request now.
    ///
    /// - Returns: whether another is asked.
    private func passBy(_ outcome: Attempts.Outcome) -> Bool {
        guard outcome.isPassing, case .host(let verdict)? = route?.decision else { return false }
        if let hindrance = cluster.book.hindrance(attempts, after: outcome) {
            self.hindrance = outcome.isFault ? text(of: hindrance) : nil
            if let text = self.hindrance { cluster.log.warning("request \(id) at \(verdict.name): \(text)") }
            return false
        }
        let next = cluster.chooseAgain(question(except: tried + [verdict.id]))
        // The reply that there is beats none.
        guard case .host(let other) = next.decision else { return false }
        let status = if case .status(let status) = outcome { status } else { 502 }
        leave(.broke, status: status)
        tail = ReplyTail()
        firstByte = nil
        attempts.passedBy(verdict.id)
        if outcome.isFault { cluster.book.retried() }
        cluster.book.sent(next.tier, to: other.id)
        return goOn(next)
    }

    /// 6
    ///
    /// - Returns: whether another host is asked.
    private func withdraw(_ stay: Stay) -> Bool {
        guard var route else { return false }
        var work = errand.work
        (work.tier, work.staysLocal, work.isFlexible) = (stay.tier, route.staysLocal, true)
        guard let move = cluster.withdraw(id, work, from: stay.verdict.id, attempts) else { return false }
        cluster.log.info(
            "request \(id) for \(stay.tier): \(move.to.name) takes it over, for \(stay.verdict.name) \(move.why.text)")
        leave(nil, status: 0)
        (tail, firstByte, standing) = (ReplyTail(), nil, nil)
        attempts.withdrawn(from: stay.verdict.id)
        route.decision = .host(move.to)
        return goOn(route)
    }

    private func text(of hindrance: Attempts.Hindrance) -> String? {
        switch hindrance {
        case .budget:
            "No other host was asked: too many requests were asked for again in the last \(RetryBudget.window) s"
        case .limit:
            "\(tried.map { cluster.host($0)?.name ?? "a host that has left" }.joined(separator: ", ")) could not serve it before"
        // Not this router's to go on with.
        case .committed, .placedElsewhere, .answered: nil
        }
    }

    // MARK: Ending

    /// Gives back what the request has at the host where it is.
    ///
    /// - Parameter end: nil where it goes on to another, and nothing speaks against this one.
    private func leave(_ end: ExchangeEnd?, status: Int) {
        guard let stay else { return }
        self.stay = nil
        let timings = tail.timings
        if let ticket = stay.ticket { cluster.gate.leave(ticket, timings) }
        let firstToken = firstToken(timings).map { $0 - stay.began }
        cluster.ended(
            stay.tier, on: stay.verdict, outcome(end, status, stay, timings, firstToken))
        errand.visit?.served(
            stay.tier, by: stay.verdict.name, status: status,
            tokens: timings.map { $0.promptTokens + $0.cachedTokens + $0.decodedTokens })
        note(stay, end, firstToken, status)
    }

    private func note(_ stay: Stay, _ end: ExchangeEnd?, _ firstToken: Double?, _ status: Int) {
        cluster.note { record(of: stay, end, firstToken, status) }
    }

    private func record(
        of stay: Stay, _ end: ExchangeEnd?, _ firstToken: Double?, _ status: Int
    ) -> PlacementRecord {
        let asked =
            switch errand.ask {
            case .auto: "auto"
            case .tier(let name, _), .here(let name): name
            }
        let outcome: PlacementRecord.Outcome =
            switch (end, status) {
            case (nil, _): .moved
            case (.clientLeft, _): .left
            case (_, 429): .refused
            case (.complete, ..<400), (.answered, ..<400): .served
            // The request's own fault.
            case (.complete, ..<500): .served
            default: .failed
            }
        let (verdict, cost) = (stay.verdict, stay.verdict.cost)
        let elapsed = elapsed
        return PlacementRecord(
            time: WallClock.now - elapsed + stay.began, request: id, client: errand.client, asked: asked,
            tier: stay.tier,
            node: verdict.id, name: verdict.name, reason: route?.reason ?? "", attempt: attempts.number,
            promptTokens: errand.work.promptTokens, predictedFirstToken: cost.firstToken, queue: cost.queue,
            load: cost.load, prefill: cost.prefill, decode: cost.decode, network: cost.network,
            observedFirstToken: firstToken, total: elapsed - stay.began, status: status, outcome: outcome)
    }

    private func outcome(
        _ end: ExchangeEnd?, _ status: Int, _ stay: Stay, _ timings: ReplyTimings?, _ firstToken: Double?
    ) -> Fleet.Outcome {
        switch end {
        case .complete where status < 400, .answered where status < 400:
            guard let timings, let firstToken else { return .served(nil) }
            return .served(
                Observation(
                    estimatedPrompt: errand.work.promptTokens, prompt: timings.promptTokens + timings.cachedTokens,
                    prefilled: timings.promptTokens, prefillSeconds: timings.promptMilliseconds / 1000,
                    firstToken: firstToken,
                    wasUnhindered: !stay.hasWaited && stay.verdict.cost.queue == 0 && stay.verdict.cost.load == 0))
        // A full queue is the work's doing, not the host's.
        case .complete, .answered: return status >= 500 ? .failed : .undecided
        case .broke: return status == 429 ? .undecided : .failed
        case .clientLeft, nil: return .undecided
        }
    }

    /// Seconds from the request to its first token: in a stream the first bytes bring it; else the engine tells how long it
    /// wrote.
    private func firstToken(_ timings: ReplyTimings?) -> Double? {
        guard let firstByte else { return nil }
        if errand.isEventStream { return firstByte }
        return timings.map { max(0, elapsed - $0.decodeMilliseconds / 1000) }
    }

    private func told(_ head: ReplyHead) -> ReplyHead {
        var head = head
        if !(errand.work.isOwn && stay?.verdict.isLocal == true) { HopFields.stripReply(&head.fields) }
        tellPlace(&head.fields)
        return head
    }

    /// Where the request is, and why; nothing where it is nowhere.
    private func tellPlace(_ fields: inout Fields) {
        guard let reason = route?.reason, let stay else { return }
        HopFields.tell(&fields, node: stay.verdict.name, tier: stay.tier, reason: reason)
    }

    private func answer(_ error: OpenAIError) {
        var reply = error.reply
        tellPlace(&reply.head.fields)
        go?(.reply(reply))
    }

    /// Nobody can serve it.
    private func refuse() {
        guard let route, case .unserved(let unserved) = route.decision else { return }
        if case .auto = errand.ask { cluster.log.warning("auto -> nobody (\(route.reason)): \(unserved.why)") }
        var reply = OpenAIError(unserved, route, errand.ask).reply
        HopFields.tell(&reply.head.fields, node: nil, tier: route.tier, reason: route.reason)
        go?(.reply(reply))
    }
}
