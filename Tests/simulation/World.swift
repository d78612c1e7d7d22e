import Cluster

/// A cluster with its network, its people and its faults, in simulated time.
///
/// An hour is three stretches of trouble, each followed by ten quiet minutes in which everything has to come right again.
final class World {
    struct Plan: Sendable {
        var seed: UInt64
        var hours: Int
        /// Where clocks began: no matter to anything.
        var skew: UInt64 = 0
        var breaks: Break?
        /// Faults that are left out, by their numbers.
        var without: Set<Int> = []
        /// All that happens is told.
        var tells = false
    }

    static let trouble = 10 * Time.minute
    static let quiet = 10 * Time.minute
    /// Of the quiet: people still ask.
    static let quietLoad = Time.minute

    let plan: Plan
    let faults: [Fault]
    var nodes: [SimNode]
    var queue = EventQueue()
    var moment: Moment = 0
    var trace = Trace()
    var violation: Violation?
    var events = 0
    var requestCount = 0
    var placedCount = 0
    var retryCount = 0
    var moveCount = 0
    var outcomes = [Int](repeating: 0, count: 6)
    var slowestRecovery: Moment = 0

    var network: SplitMix
    var people: SplitMix
    var engines: SplitMix
    var walls: SplitMix
    var connectionCount = 0
    var ticketCount: UInt64 = 0
    /// One way each: how many cuts there are, and how many there ever were.
    var cuts: [[Int]]
    var cutCount: [[Int]]
    var lossPercent: [[Int]]
    var extraDelay: [[Int]]
    var baseDelay: [[Int]]
    /// What DNS-SD has of each node.
    var services: [Advertisement.Reading?]
    var servicePlaces: [Place]
    /// The order of all routers' starts.
    var lifeCount = 0
    /// By node id and epoch.
    var lives: [String: Int] = [:]
    var copiedIDs: Set<NodeID> = []
    /// Whether people ask.
    var isLoaded = false
    var quietSince: Moment?
    var live = 0
    let terms: RoutingTerms

    init(_ plan: Plan) {
        self.plan = plan
        var random = SplitMix(plan.seed, stream: 1)
        let count = random.between(3, 5)
        var skews = SplitMix(plan.skew, stream: 2)
        nodes = (0..<count).map { index in
            let origin = plan.skew == 0 ? 0 : Double(skews.below(1 << 24)) + Double(skews.below(1024)) / 1024
            return SimNode(index, HostClock(origin: origin, drift: random.between(-2, 2)))
        }
        network = SplitMix(plan.seed, stream: 3)
        people = SplitMix(plan.seed, stream: 4)
        engines = SplitMix(plan.seed, stream: 5)
        walls = SplitMix(plan.skew, stream: 6)
        cuts = Array(repeating: Array(repeating: 0, count: count), count: count)
        (cutCount, lossPercent, extraDelay) = (cuts, cuts, cuts)
        baseDelay = (0..<count).map { _ in (0..<count).map { _ in random.between(1, 4) } }
        services = Array(repeating: nil, count: count)
        servicePlaces = nodes.map(\.address)
        terms = World.terms
        var faults: [Fault] = []
        var start = 0
        while start < plan.hours * Time.hour {
            let begin = start == 0 ? 20 * Time.second : start
            faults += Fault.plan(nodes: count, from: begin, to: start + World.trouble, &random)
            start += World.trouble + World.quiet
        }
        self.faults = faults
        for node in nodes { furnish(node, &random) }
        for (number, fault) in faults.enumerated() where !plan.without.contains(number) {
            schedule(.fault(number, begins: true), in: fault.begin)
            schedule(.fault(number, begins: false), in: fault.end)
        }
        start = 0
        while start < plan.hours * Time.hour {
            let quiet = start + World.trouble
            schedule(.load(true), in: start + Time.second)
            schedule(.load(false), in: quiet + World.quietLoad)
            schedule(.check(.atRest), in: quiet + World.quiet - 1)
            start = quiet + World.quiet
        }
        for node in nodes { boot(node) }
    }

    private static let terms: RoutingTerms = {
        let text = """
            [code-fast]
            role = fast
            hf_repo = a/b
            hf_file = c
            [code-smart]
            role = agent
            hf_repo = a/b
            hf_file = c
            [plan]
            role = plan
            hf_repo = a/b
            hf_file = c
            ctx_size = 20000
            """
        let catalog = try? Catalog.parse(text, file: "simulation")
        let ladder = Ladder(settings: .init(), catalog: catalog ?? Catalog())
        return RoutingTerms(ladder: ladder, hasToolsFloor: true, own: { _ in nil })
    }()

    private func furnish(_ node: SimNode, _ random: inout SplitMix) {
        for name in ["code-fast", "code-smart", "plan"] where name == "code-fast" || random.percent(75) {
            node.tiers.append(
                SimTier(
                    name, isShared: name != "code-fast" || random.percent(20),
                    context: random.pick([4096, 16384, 65536, 0]), slots: random.pick([1, 1, 2, 4]),
                    load: Double(random.between(1, 60)), prefill: Double(random.between(300, 4000)),
                    decode: Double(random.between(15, 120)), isAbsent: random.percent(8)))
        }
    }

    // MARK: Time

    /// - Returns: what went wrong, if anything.
    func run() -> Violation? {
        let end = plan.hours * Time.hour
        while violation == nil, let entry = queue.pop(), entry.moment <= end {
            moment = entry.moment
            take(entry)
            Checks.always(self, entry.node)
            events += 1
        }
        return violation
    }

    func take(_ entry: EventQueue.Entry) {
        guard entry.node >= 0 else { return happen(entry.event) }
        let node = nodes[entry.node]
        guard node.isAlive, entry.life < 0 || entry.life == node.life else { return missed(entry.event, node) }
        guard !node.isPaused else {
            // The kernel takes connections while the process sleeps.
            if case .deliver(let connection, toServer: true, .open) = entry.event { accept(connection, node) }
            return node.inbox.append(entry)
        }
        happen(entry.event, to: node)
    }

    func after(_ delay: Moment, _ event: Event, on node: SimNode) {
        queue.push(event, node: node.index, life: node.life, at: moment + delay)
    }

    func schedule(_ event: Event, in delay: Moment) { queue.push(event, node: -1, life: -1, at: moment + delay) }

    private func happen(_ event: Event) {
        switch event {
        case .fault(let number, let begins): turn(faults[number].kind, number, begins: begins)
        case .serviceGone(let index, let life):
            if !(nodes[index].isAlive && nodes[index].life != life) { publish(index, nil) }
        case .giveUp(let connection, let from, let to, let cut):
            if cutCount[from][to] == cut, cuts[from][to] > 0 { giveUp(connection) }
        case .check(let check): Checks.perform(check, self)
        case .load(let begins):
            isLoaded = begins
            if begins { for node in nodes { planPerson(node) } }
        case .person(let index):
            if nodes[index].isAlive { after(1, .arrival, on: nodes[index]) }
            planPerson(nodes[index])
        default: break
        }
    }

    private func happen(_ event: Event, to node: SimNode) {
        switch event {
        case .tick: tick(node)
        case .connect(let stream): connect(stream, node)
        case .ping(let connection): ping(connection, node)
        case .timeout(let connection): timedOut(connection, node)
        case .deliver(let connection, let toServer, let message): take(message, connection, toServer, node)
        case .news(let index): hearNews(of: index, node)
        case .arrival: arrive(node)
        case .clientLeaves(let request): clientLeft(request, node)
        case .loaded(let tier, let number): loaded(node, node.tiers[tier], number)
        case .firstByte(let job): firstByte(job, node)
        case .lastByte(let job): lastByte(job, node)
        case .report: report(node)
        default: break
        }
    }

    /// Nobody is there whom it could happen to. Connections are refused, where the machine is there.
    private func missed(_ event: Event, _ node: SimNode) {
        guard case .deliver(let connection, toServer: true, .open) = event, node.isMachineOff == 0, !node.isAlive else {
            return
        }
        send(.closed, on: connection, toServer: false)
    }

    func note(_ what: Trace.What, _ node: SimNode?, _ first: Int = 0, _ second: Int = 0) {
        trace.note(what, at: moment, node: node?.index ?? -1, first, second)
        if plan.tells, let line = trace.lines.last { print(line) }
    }

    func fail(_ invariant: Violation.Invariant, _ text: String) {
        guard violation == nil else { return }
        violation = Violation(invariant: invariant, text: text, moment: moment)
    }
}
