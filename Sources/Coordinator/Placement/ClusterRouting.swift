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

    /// Where a request that has just come goes: counted there as sent.
    func choose(_ ask: PlacedRequest.Errand.Ask, _ work: Workload, isNew: Bool) -> Route {
        book.choose(match: match, isNew: isNew, asked: { asked(ask, work, []) }) { fleet, now in
            route(ask, work, [], fleet, now)
        }
    }

    /// Where a request goes that hosts failed at.
    func chooseAgain(_ ask: PlacedRequest.Errand.Ask, _ work: Workload, except tried: [NodeID]) -> Route {
        book.chooseAgain(match: match, asked: { asked(ask, work, tried) }) { fleet, now in
            route(ask, work, tried, fleet, now)
        }
    }

    /// Where a request would go.
    func route(_ ask: PlacedRequest.Errand.Ask, _ work: Workload, except tried: [NodeID] = []) -> Route {
        book.ask(match: match) { fleet, now in route(ask, work, tried, fleet, now) }
    }

    /// The same question as a record has it.
    private func asked(_ ask: PlacedRequest.Errand.Ask, _ work: Workload, _ tried: [NodeID]) -> FleetBook.Asked {
        var work = work
        // It is the question's to set.
        work.tier = ""
        switch ask {
        case .auto(let facts):
            let table = reading.table
            let terms = RoutingTerms(
                ladder: table.ladder, hasToolsFloor: table.catalog.routing.hasToolsFloor,
                own: { table.catalog.tier(named: $0).map { ($0.name, $0.isHosted) } })
            return (PlacementQuestion(.auto(facts), work, except: tried), terms)
        case .tier(let tier):
            // What a client made up is nobody's, however much is kept of it.
            return (
                PlacementQuestion(.tier(tier.printable(), isLocal: reading.isLocal(tier)), work, except: tried), nil
            )
        case .here(let tier): return (PlacementQuestion(.here(tier.printable()), work, except: tried), nil)
        }
    }

    private func route(
        _ ask: PlacedRequest.Errand.Ask, _ work: Workload, _ tried: [NodeID], _ fleet: Fleet, _ now: Double
    ) -> Route {
        var work = work
        switch ask {
        case .auto(let facts):
            let table = reading.table
            return fleet.route(
                facts, by: table.ladder, hasToolsFloor: table.catalog.routing.hasToolsFloor,
                own: { table.catalog.tier(named: $0).map { ($0.name, $0.isHosted) } }, work, except: tried, at: now)
        case .tier(let tier):
            work.tier = tier
            work.staysLocal = reading.isLocal(tier) ?? fleet.isLocal(tier)
        case .here(let tier):
            work.tier = tier
            work.isHereOnly = true
        }
        return Route(named: work, fleet.place(work, except: tried, at: now))
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
