import Cluster
import Logging
import Wire

/// All that a ``PlacedRequest`` needs of its router, at the moment when the request came: an object, so that taking it is
/// one reference and not a copy of many.
final class ClusterRouting: Sendable {
    let reading: RoutingRules.Reading
    let node: NodeRoutes
    let localEndpoint: Endpoint
    let hosted: (any HostedBackend)?
    let log: Logger

    init(
        reading: RoutingRules.Reading, node: NodeRoutes, localEndpoint: Endpoint, hosted: (any HostedBackend)?,
        log: Logger
    ) {
        self.reading = reading
        self.node = node
        self.localEndpoint = localEndpoint
        self.hosted = hosted
        self.log = log
    }

    var book: FleetBook { node.book }
    var gate: any TierGate { node.gate }
    private var match: NodeSection.Match { reading.table.catalog.node.match }

    /// Where a request that has just come goes: counted there as sent.
    ///
    /// - Parameter isNew: whether it counts for the retries that there may be: another router's does there.
    func choose(_ question: PlacementQuestion, isNew: Bool) -> Route {
        book.choose(question, by: reading.terms, match: match, isNew: isNew)
    }

    /// Where a request would go that hosts failed at.
    func chooseAgain(_ question: PlacementQuestion) -> Route {
        book.chooseAgain(question, by: reading.terms, match: match)
    }

    /// Where a request goes that had better not wait where it does; nil where it had.
    func withdraw(
        _ request: String, _ work: Workload, from host: NodeID, _ attempts: Attempts
    ) -> (to: Verdict, why: Withdrawal.Reason)? {
        book.withdraw(request, work, from: host, attempts, match: match)
    }

    /// Where a request would go, for who asks.
    func route(_ question: PlacementQuestion) -> Route {
        book.ask(match: match) { fleet, now in fleet.route(question, by: reading.terms, at: now) }
    }

    /// As it is now; nil when it has gone.
    func host(_ id: NodeID) -> Host? { book.ask(match: match) { fleet, _ in fleet.host(id) } }

    func verdicts(_ work: Workload) -> [Verdict] {
        book.ask(match: match) { fleet, now in fleet.verdicts(work, at: now) }
    }

    /// The tier that a name stands for: this host's own word first.
    func tier(named name: String) -> String? {
        reading.tier(named: name) ?? book.ask(match: match) { fleet, _ in fleet.tier(named: name) }
    }

    /// What a request asks that names a tier.
    func named(_ tier: String) -> PlacementQuestion.Ask { .tier(tier, isLocal: reading.isLocal(tier)) }

    func ended(_ tier: String, on verdict: Verdict, _ outcome: Fleet.Outcome) {
        if book.ended(tier, on: verdict.id, outcome) {
            log.warning(
                "\(tier) on \(verdict.name) failed \(Ejection.threshold) times in a row: others are asked first")
        }
    }

    /// The leg to this host's own tier: to llama-swap, or to whoever hosts it.
    func leg(_ head: RequestHead, to tier: String, _ edit: Disposition.Edit) -> Leg {
        guard let hosted, let tier = reading.hosted[tier] else { return .send(head, localEndpoint, edit) }
        return .produce(
            hosted.producer(
                HostedRequest(tier: tier, usesNext: reading.table.usesNext, path: String(head.path))))
    }

    /// Whether a tier of this host is a hosted one, whose streams say by themselves where they break off.
    func isHosted(_ tier: String) -> Bool { reading.hosted[tier] != nil }

    func note(_ record: () -> PlacementRecord) { node.note(record) }
}
