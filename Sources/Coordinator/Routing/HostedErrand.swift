import Cluster
import Logging
import NIOCore
import Wire

/// One request that is to go to a hosted tier, on a host that places nothing elsewhere. A tier that cannot be asked is
/// passed by where the ladder chose it; one that the request names is not.
final class HostedErrand: Itinerary {
    /// What is asked for.
    enum Ask {
        /// The ladder chooses, and may come to a local tier: its body is edited so and goes to llama-swap.
        case auto(RequestFacts, edit: (String) -> Disposition.Edit)
        /// A hosted tier that the request names.
        case tier(Tier)
    }

    let isEventStream: Bool
    private let ask: Ask
    private let head: RequestHead
    private let terms: ServingTerms
    private let backend: any HostedBackend
    private let localEndpoint: Endpoint
    private let log: Logger
    /// Hosted tiers that cannot be asked now, by name.
    private var out: Set<String> = []
    private var loop: (any EventLoop)?
    private var go: ((consuming Leg) -> Void)?

    init(
        _ ask: Ask, _ head: RequestHead, isEventStream: Bool, terms: ServingTerms, backend: any HostedBackend,
        localEndpoint: Endpoint, log: Logger
    ) {
        self.ask = ask
        self.head = head
        self.isEventStream = isEventStream
        self.terms = terms
        self.backend = backend
        self.localEndpoint = localEndpoint
        self.log = log
    }

    // MARK: Itinerary

    /// Only the client's patience is in question here: comments keep it.
    func waitingNote() -> ByteBuffer? { nil }

    var earlyFields: Fields { Fields() }

    func prospect(isWaiting: Bool) -> Prospect { .fair }

    /// The backend tells by itself where a reply breaks off; of a local tier's it is as without this.
    var ending: ReplyEnding { .unmarked }

    func begin(on loop: any EventLoop, _ go: @escaping (consuming Leg) -> Void) {
        self.loop = loop
        self.go = go
        switch ask {
        case .tier(let tier): produce(tier)
        case .auto: choose()
        }
    }

    func replied(_ head: ReplyHead) -> Passage { .pass(head) }

    func failed(_ failure: UpstreamFailure) {
        log.warning("\(head.method) \(head.path): \(failure)")
        go?(.reply(failure.replyOfLlamaSwap))
    }

    func received(_ bytes: ByteBuffer) {}

    func ended(_ end: ExchangeEnd) { go = nil }

    // MARK: Choosing

    private func choose() {
        guard case .auto(let facts, let edit) = ask, let loop else { return }
        let (table, hosted) = (terms.table, terms.reading.hosted)
        let decision = table.ladder.decide(
            facts, hasToolsFloor: table.catalog.routing.hasToolsFloor,
            isOut: { hosted[$0].map { out.contains($0.name) } ?? false },
            context: { table.catalog.tier(named: $0)?.contextSize ?? 0 })
        guard let tier = hosted[decision.model] else {
            tell(decision)
            go?(.send(head, localEndpoint, edit(decision.model)))
            return
        }
        // The ladder came to nothing better.
        guard !out.contains(tier.name) else {
            tell(decision)
            return produce(tier)
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        backend.verdict(on: tier) { verdict in
            if loop.inEventLoop {
                bound.value.heard(verdict, on: tier, decision)
            } else {
                loop.execute { bound.value.heard(verdict, on: tier, decision) }
            }
        }
    }

    private func heard(_ verdict: HostedVerdict, on tier: Tier, _ decision: Ladder.Decision) {
        // The client may have gone meanwhile.
        guard go != nil else { return }
        switch verdict {
        case .usable:
            tell(decision)
            produce(tier)
        case .unusable(let why):
            log.debug("\(tier.name) is unavailable: \(why)")
            out.insert(tier.name)
            choose()
        }
    }

    private func tell(_ decision: Ladder.Decision) {
        log.info("auto -> \(decision.model) (\(decision.reason)) [path=\(head.path)]")
    }

    private func produce(_ tier: Tier) {
        go?(
            .produce(
                backend.producer(
                    HostedRequest(tier: tier, usesNext: terms.table.usesNext, path: String(head.path)))))
    }
}
