import Cluster

/// A request at a router: what `PlacedRequest` keeps in production, and what the checks want to know of it.
final class SimRequest {
    enum Outcome: Int {
        case served, refused, failed
        /// The reply broke off after its first byte.
        case lost
        case left
        /// Its router died.
        case died
    }

    /// At a host.
    struct Stay {
        var host: NodeID
        var tier: String
        var cost: Cost
        /// On this host.
        var job: Job?
        /// At another.
        var connection: Connection?
    }

    let number: Int
    /// The number at the router that placed it, by which hosts tell of it.
    let placedAs: Int
    let router: Int
    let ask: PlacementQuestion.Ask
    let work: Workload
    /// Tokens of the reply.
    let output: Int
    /// The connection that it came over from another router; nil: a person's.
    let client: Connection?
    let began: Moment
    var attempts: Attempts
    var stay: Stay?
    var outcome: Outcome?
    /// What the checks count by themselves, whatever ``attempts`` says.
    var hostsAsked = 0
    var moves = 0
    var sawByte = false

    init(
        _ number: Int, placedAs: Int? = nil, router: Int, _ ask: PlacementQuestion.Ask, _ work: Workload, output: Int,
        client: Connection?,
        began: Moment
    ) {
        self.number = number
        self.placedAs = placedAs ?? number
        self.router = router
        self.ask = ask
        self.work = work
        self.output = output
        self.client = client
        self.began = began
        if case .here = ask { attempts = Attempts(isPlacedElsewhere: true) } else { attempts = Attempts() }
    }
}

/// A request at a tier of the host that serves it.
final class Job {
    enum Phase { case asking, admitted, running, over }

    let ticket: UInt64
    let tier: Int
    let request: SimRequest
    var phase = Phase.asking

    init(_ ticket: UInt64, tier: Int, _ request: SimRequest) {
        self.ticket = ticket
        self.tier = tier
        self.request = request
    }
}
