import Cluster
import Logging
import NIOCore
import Wire

/// One request's way through a gateway to a router of its cluster.
///
/// 1. The router in use is asked; where none answers, one is waited for, ``patience`` seconds at most.
/// 2. A router that gives no reply, or 401, 502 or 503, is passed by where another answers: ``attemptLimit`` have the
///    request in all, and of the gateway's requests as many are asked for again as a ``RetryBudget`` allows, for each
///    router asks two hosts by itself. One that cannot be reached has not had it.
/// 3. 401 of all of them means that this host's key was revoked: the client is told so.
/// 4. The first head that is none of these is the client's.
final class GatewayErrand: Itinerary {
    static let attemptLimit = 2
    /// Seconds from the request's arrival.
    static let patience = 5.0

    let isEventStream: Bool
    private let head: RequestHead
    private let desk: GatewayDesk
    private let log: Logger
    private let began = Uptime.seconds
    private var loop: (any EventLoop)?
    private var go: ((consuming Leg) -> Void)?
    private var router: GatewayBook.Choice?
    private var tried: [NodeID] = []
    /// Routers that have had it.
    private var attempts = 0
    private var ticket: Int?
    private var timer: Scheduled<Void>?

    init(_ head: RequestHead, isEventStream: Bool, _ desk: GatewayDesk, log: Logger) {
        self.head = head
        self.isEventStream = isEventStream
        self.desk = desk
        self.log = log
    }

    // MARK: Itinerary

    /// The router tells what is waited for.
    func waitingNote() -> ByteBuffer? { nil }

    var earlyFields: Fields { Fields() }

    /// A host that froze, or lost its power, says nothing any more, and no connection tells of it for minutes.
    func prospect(isWaiting: Bool) -> Prospect {
        guard let router else { return .fair }
        if isWaiting { desk.suspect(router.node) }
        return desk.isGone(router.node) ? .lost : .fair
    }

    /// The router tells by an event where a reply breaks off.
    var ending: ReplyEnding { .unmarked }

    func begin(on loop: any EventLoop, _ go: @escaping (consuming Leg) -> Void) {
        self.loop = loop
        self.go = go
        desk.took()
        // 1
        next()
    }

    func replied(_ head: ReplyHead) -> Passage {
        // 2
        if Self.passing.contains(head.status), let router, attempts < Self.attemptLimit,
            let other = desk.choose(except: tried + [router.node]), head.status == 401 || desk.mayAskAgain()
        {
            tried.append(router.node)
            visit(other)
            return .another
        }
        // 3
        if head.status == 401 {
            answer(OpenAIError(401, "invalid_api_key", GatewayDesk.revoked))
            return .another
        }
        // 4
        var head = head
        HopFields.stripReply(&head.fields)
        return .pass(head)
    }

    private static let passing: Set<Int> = [401, 502, 503]

    func failed(_ failure: UpstreamFailure) {
        guard let router else { return }
        log.warning("\(head.method) \(head.path): \(router.name): \(failure)")
        desk.failed(router.node, isUnreachable: failure.kind == .unreachable)
        tried.append(router.node)
        self.router = nil
        if failure.kind == .unreachable {
            attempts -= 1
        } else if attempts == Self.attemptLimit || !desk.mayAskAgain() {
            return answer(
                OpenAIError(
                    502, "upstream_unavailable", "\(router.name): \(failure). llmstack doctor on that host says more.",
                    retryAfter: 5))
        }
        next()
    }

    func received(_ bytes: ByteBuffer) {}

    func ended(_ end: ExchangeEnd) {
        stopWaiting()
        go = nil
    }

    // MARK: Choosing

    private func next() {
        guard go != nil else { return }
        if let choice = desk.choose(except: tried) { visit(choice) } else { wait() }
    }

    private func visit(_ choice: GatewayBook.Choice) {
        attempts += 1
        router = choice
        var head = head
        head.fields.replace("authorization", with: "Bearer \(desk.key)")
        go?(.send(head, desk.endpoint(choice.place, choice.node), .none))
    }

    private func wait() {
        guard let loop else { return }
        let left = began + Self.patience - Uptime.seconds
        guard left > 0 else { return refuse() }
        // Whoever comes back may be asked again.
        tried = []
        let bound = NIOLoopBound(self, eventLoop: loop)
        ticket = desk.wait { loop.execute { bound.value.somebodyCame() } }
        timer = loop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(left * 1000))) { [weak self] in
            guard let self, ticket != nil else { return }
            stopWaiting()
            refuse()
        }
    }

    private func somebodyCame() {
        guard ticket != nil else { return }
        stopWaiting()
        next()
    }

    private func stopWaiting() {
        if let ticket { desk.waitNoMore(ticket) }
        ticket = nil
        timer?.cancel()
        timer = nil
    }

    private func refuse() {
        answer(
            OpenAIError(
                503, "no_node_available",
                "No router of the cluster \(desk.cluster.name) answers. See that one runs (llmstack status, there) and that "
                    + "this host is on its network; the gateway goes on looking.", retryAfter: 5))
    }

    private func answer(_ error: OpenAIError) { go?(.reply(error.reply)) }
}
