import Cluster

/// A host with its router, its agent and its engine.
final class SimNode {
    let index: Int
    let baseID: NodeID
    let clock: HostClock
    // What faults change.
    var id: NodeID
    var cluster = SimNode.ours
    var protocolVersion = Advertisement.protocolVersion
    var address: Place
    var downs = 0
    var pauses = 0
    var isMachineOff = 0
    var slowness = 0
    var loadFaults = 0
    var errorFaults = 0
    var hangUps = 0
    var drains = 0
    var goodbyes = 0

    /// Whether its router runs.
    var isAlive = false
    /// Counts the router's starts.
    var life = 0
    var epoch: UInt64 = 0
    var inbox: [EventQueue.Entry] = []

    // The machines of production, and what their drivers keep beside them.
    var membership: Membership
    var fleet = Fleet()
    var budget = RetryBudget()
    var told: [NodeID: Membership.Member] = [:]
    var localSequence: UInt64?
    var streams: [Lead: Int] = [:]
    var follows: [Int: Follow] = [:]
    var lastStream = 0
    var description: NodeDescription
    var tiers: [SimTier] = []
    var subscribers: [Connection] = []
    var isReportDue = false
    var ticks = 0
    /// What its ledger would have of nodes, by tier. Outlives its router.
    var ledger: [NodeID: [String: Kept]] = [:]
    /// By number.
    var requests: [Int: SimRequest] = [:]
    /// Connections of which it is an end.
    var connections: [Int: Connection] = [:]

    // What checks keep.
    var newestLife: [NodeID: Int] = [:]
    /// Failures that the router saw of a tier of a host in the host's present life.
    var failures: [String: Int] = [:]
    /// By node: when its health changed.
    var changes: [NodeID: [Moment]] = [:]
    /// When faults made it ask again, and when requests came.
    var retries: [Moment] = []
    var arrivals: [Moment] = []

    struct Follow {
        var lead: Lead
        var places: [Place]
        var expected: NodeID?
        var connection: Connection?
    }

    static let ours = ClusterID("ours0000")
    static let theirs = ClusterID("theirs00")

    init(_ index: Int, _ clock: HostClock) {
        self.index = index
        self.clock = clock
        baseID = NodeID("node\(index)0000000")
        id = baseID
        address = Place(host: "10.0.0.\(index)", port: 10103)
        membership = Membership(own: id, cluster: Self.ours)
        description = NodeDescription(
            id: id, name: "n\(index)", cluster: Self.ours, clusterName: "team", version: "1",
            machine: .init(platform: "linux/x86_64", accelerator: "card", modelMemory: 1, memory: 1), epoch: 0)
    }

    /// What a ledger knows of a tier on a node.
    struct Kept {
        var speed = TierSpeed()
        var lessons = TierLessons()
    }

    /// Takes what a node says of its speed into the ledger.
    func keep(_ description: NodeDescription) {
        for tier in description.tiers where tier.speed != TierSpeed() {
            let known = ledger[description.id]?[tier.name]?.speed
            ledger[description.id, default: [:]][tier.name, default: Kept()].speed = tier.speed.completed(by: known)
        }
    }

    /// Takes what replies have taught into the ledger.
    func keepLessons() {
        fleet.forEachLesson { ledger[$0, default: [:]][$1, default: Kept()].lessons = $2 }
    }

    /// Fills a router that starts.
    func recall(_ fleet: inout Fleet) {
        for (id, tiers) in ledger.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for (tier, kept) in tiers.sorted(by: { $0.key < $1.key }) {
                fleet.remember(kept.speed, kept.lessons, of: tier, on: id, called: id.rawValue)
            }
        }
    }

    var lead: Lead { .service(name: "n\(index)", host: "n\(index).local") }
    var isPaused: Bool { pauses > 0 }
    func now(_ moment: Moment) -> Double { clock.reading(at: moment) }
}

/// A tier of a host: what the agent and the engine know.
final class SimTier {
    /// Seconds without a request after which the engine is stopped.
    static let idleLimit = 120.0
    /// Seconds for which a start that failed counts.
    static let failureMemory = 30.0

    let name: String
    let isShared: Bool
    let context: Int
    let slots: Int
    let loadSeconds: Double
    /// Tokens a second.
    let prefillRate: Double
    let decodeRate: Double
    let isAbsent: Bool
    var state: TierState
    var loadNumber = 0
    var failedUntil = 0.0
    var idleSince = 0.0
    var speed = TierSpeed()
    var admission = TierAdmission()
    /// In hand, by ticket: the checks' own count.
    var live: [UInt64: Job] = [:]
    /// What the engine has: those that a slot works on, and those that wait for the model or a slot.
    var running: [Job] = []
    var backlog: [Job] = []

    init(
        _ name: String, isShared: Bool, context: Int, slots: Int, load: Double, prefill: Double, decode: Double,
        isAbsent: Bool
    ) {
        self.name = name
        self.isShared = isShared
        self.context = context
        self.slots = slots
        loadSeconds = load
        prefillRate = prefill
        decodeRate = decode
        self.isAbsent = isAbsent
        state = isAbsent ? .absent : .stopped
    }

    /// Its host's router starts anew, and what ran is gone.
    func restart(at now: Double) {
        state = isAbsent ? .absent : .stopped
        loadNumber += 1
        admission = TierAdmission()
        let speed = TierSpeed(loadSeconds: loadSeconds, prefillRate: prefillRate, decodeRate: decodeRate)
        _ = admission.use(slots: slots, speed: speed, readiness: .ready(since: now), at: now)
        self.speed = TierSpeed()
        idleSince = now
        live = [:]
        running = []
        backlog = []
    }

    func ticket(_ number: UInt64) -> AdmissionTicket { AdmissionTicket(number: number, tier: name) }

    /// As the admission counts them.
    var inHand: Int { admission.inFlightCount + admission.waitingCount }

    func report(at now: Double) -> TierReport {
        TierReport(
            name: name, shared: isShared, fingerprint: .init(family: "family", contextSize: context), state: state,
            slots: slots, busy: inHand, queued: admission.queuedCount,
            waiting: admission.waiting(at: now).map {
                .init(request: $0.request, seconds: ($0.seconds * 10).rounded() / 10)
            }, speed: speed)
    }
}
