import Cluster
import Logging
import Wire

/// All that a ``PlacedRequest`` needs of its router, at the moment when the request came.
struct ClusterRouting {
    let reading: RoutingRules.Reading
    let node: NodeRoutes
    let localEndpoint: Endpoint
    let hosted: (any HostedBackend)?
    let log: Logger

    var book: FleetBook { node.book }
    var gate: any TierGate { node.gate }
    private var match: NodeSection.Match { reading.table.catalog.node.match }

    func route(_ facts: RequestFacts, _ work: Workload, except tried: [NodeID]) -> Route {
        let table = reading.table
        return book.ask(match: match) { fleet, now in
            fleet.route(
                facts, by: table.ladder, hasToolsFloor: table.catalog.routing.hasToolsFloor,
                own: { table.catalog.tier(named: $0).map { ($0.name, $0.isHosted) } }, work, except: tried, at: now)
        }
    }

    func place(_ work: Workload, except tried: [NodeID]) -> Fleet.Decision {
        book.ask(match: match) { fleet, now in fleet.place(work, except: tried, at: now) }
    }

    /// As it is now; nil when it has gone.
    func host(_ id: NodeID) -> Host? { book.ask(match: match) { fleet, _ in fleet.hosts[id] } }

    func verdicts(_ work: Workload) -> [Verdict] {
        book.ask(match: match) { fleet, now in fleet.verdicts(work, at: now) }
    }

    /// The tier that a name stands for: this host's own word first.
    func tier(named name: String) -> String? {
        reading.table.catalog.tier(named: name)?.name ?? book.ask(match: match) { fleet, _ in fleet.tier(named: name) }
    }

    func ended(_ tier: String, on verdict: Verdict, _ outcome: Fleet.Outcome) {
        if book.ended(tier, on: verdict.host.id, outcome) {
            log.warning(
                "\(tier) on \(verdict.host.name) failed \(Ejection.threshold) times in a row: others are asked first")
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

    func note(_ record: PlacementRecord) { node.note(record) }
}
