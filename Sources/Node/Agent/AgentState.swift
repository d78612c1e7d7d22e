package import Cluster
package import Wire

/// What this host knows of itself, and the ``NodeDescription`` that follows from it. Events and the time go in, in
/// seconds on any one monotonic clock; the description's sequence rises when, and only when, something in it changed.
package struct AgentState: Sendable {
    /// Who this node is: fixed while its router runs.
    package struct Identity: Equatable, Sendable {
        package var id: NodeID
        /// The name by which the cluster let it in, else the host's; `[NODE] name` of models.ini wins.
        package var hostName: String
        package var cluster: ClusterIdentity
        /// Of llmstack.
        package var version: String
        /// When the router started: milliseconds since 1970.
        package var epoch: UInt64

        package init(id: NodeID, hostName: String, cluster: ClusterIdentity, version: String, epoch: UInt64) {
            self.id = id
            self.hostName = hostName
            self.cluster = cluster
            self.version = version
            self.epoch = epoch
        }
    }

    /// Of a local tier's weights on this machine.
    package struct Weights: Equatable, Sendable {
        package var isPresent: Bool
        /// Bytes that are there of weights that are not whole.
        package var arrived: Int64
        /// Bytes of the whole; 0 when unknown.
        package var total: Int64
        /// Why the tier cannot run here, for people; nil when it fits, or nobody can tell.
        package var unfit: String?

        package init(isPresent: Bool, arrived: Int64 = 0, total: Int64 = 0, unfit: String? = nil) {
            self.isPresent = isPresent
            self.arrived = arrived
            self.total = total
            self.unfit = unfit
        }
    }

    /// What is remembered of one tier, by its name.
    struct Memory: Equatable, Sendable {
        /// Of a hosted tier: whether it can be asked; nil until that is known.
        var verdict: HostedVerdict?
        var process: LlamaSwapReport.State?
        /// When it was seen to begin loading; nil when that was not seen.
        var loadBegan: Double?
        /// When it was first seen ready; nil when it is not.
        var readySince: Double?
        /// Until when a start that failed counts.
        var failedUntil: Double?
        /// A process ran here: its weights are somewhere, wherever we look.
        var hasRun = false
        var weights: Weights?
        /// Until when a download counts as under way: it has grown lately.
        var growsUntil: Double?
        var slots: LlamaServerSlots?
        /// Of a local tier of models.ini: which of the description's it is. Others have no gate.
        var report: Int?
        var admission = TierAdmission()
        var speed = TierSpeed()
        var prefill = PrefillFit()
    }

    /// Whether llama-swap answers.
    enum LlamaSwap: Equatable, Sendable { case unheard, present, away }

    package let identity: Identity
    package private(set) var catalog: Catalog
    package let usesNext: Bool
    package internal(set) var description: NodeDescription
    var memories: [String: Memory] = [:]
    /// What the tiers' admissions have said and nobody was told yet.
    var news: [AdmissionNews] = []
    /// The number of the newest ticket.
    var lastTicket: UInt64 = 0
    /// The latest time that was told.
    private(set) var time = 0.0
    private var llamaSwap = LlamaSwap.unheard
    private var drained: String?

    /// - Parameters:
    ///   - usesNext: whether the queued weights run.
    ///   - machine: what is known of it so far; ``saw(machine:)`` completes it.
    package init(catalog: Catalog, usesNext: Bool, identity: Identity, machine: NodeDescription.Machine) {
        self.identity = identity
        self.catalog = catalog
        self.usesNext = usesNext
        description = NodeDescription(
            id: identity.id, name: identity.hostName, cluster: identity.cluster.id, clusterName: identity.cluster.name,
            version: identity.version, machine: machine, epoch: identity.epoch)
        describeAll()
        description.sequence = 0
    }

    // MARK: models.ini

    /// Another models.ini was read. What is remembered of tiers that keep their name and weights is kept.
    package mutating func use(_ catalog: Catalog) {
        let old = self.catalog
        self.catalog = catalog
        for (name, memory) in memories {
            let tier = catalog.tiers.first { $0.name == name }
            // Requests in hand end under the name that they began with.
            if tier == nil, memory.admission.isEmpty { memories[name] = nil }
            if let tier, let before = old.tiers.first(where: { $0.name == name }), before.backend != tier.backend {
                // Other weights: what the old ones did says nothing of them. llama-swap, too, runs them only once it is
                // started anew.
                var fresh = Memory(process: memory.process, admission: memory.admission)
                fresh.readySince = memory.readySince
                fresh.admission.forgetTimes()
                news += fresh.settle(at: time)
                memories[name] = fresh
            }
        }
        describeAll()
    }

    // MARK: llama-swap

    /// llama-swap's word on its models.
    ///
    /// - Parameter states: by model; those that are not in it are stopped.
    package mutating func saw(states: [String: LlamaSwapReport.State], at now: Double) {
        passed(now)
        for tier in catalog.localTiers {
            memories[tier.name, default: Memory()].saw(
                states[tier.name] ?? .stopped, isFirst: llamaSwap != .present, at: now)
            news += memories[tier.name]?.settle(at: now) ?? []
        }
        llamaSwap = .present
        describeAll()
    }

    /// Nothing answers where llama-swap should: then nothing runs.
    package mutating func llamaSwapIsAway() {
        llamaSwap = .away
        for name in memories.keys {
            memories[name]?.process = nil
            memories[name]?.loadBegan = nil
            memories[name]?.readySince = nil
            // Its end stops what is loading, which is no failure of the model's.
            memories[name]?.failedUntil = nil
            news += memories[name]?.settle(at: time) ?? []
        }
        describeAll()
    }

    /// What the running llama-server of a tier says of itself.
    package mutating func saw(_ slots: LlamaServerSlots, of tier: String, at now: Double) {
        passed(now)
        memories[tier, default: Memory()].slots = slots
        news += memories[tier]?.settle(at: now) ?? []
        describe(tier)
    }

    /// Tiers whose llama-server runs and has not been asked for its slots since it was started.
    package var unaskedTiers: [String] {
        catalog.localTiers.map(\.name).filter { memories[$0]?.process == .ready && memories[$0]?.slots == nil }
    }

    // MARK: The host

    package mutating func saw(machine: NodeDescription.Machine) {
        guard machine != description.machine else { return }
        description.machine = machine
        description.sequence += 1
    }

    package mutating func saw(power: NodeDescription.Power) {
        guard power != description.power else { return }
        description.power = power
        description.sequence += 1
        describePolicy()
    }

    /// What of the local tiers' weights is on this machine.
    package mutating func saw(weights: [String: Weights], at now: Double) {
        passed(now)
        for (name, seen) in weights {
            var memory = memories[name] ?? Memory()
            if seen.isPresent {
                memory.growsUntil = nil
            } else if let before = memory.weights, seen.arrived > before.arrived {
                memory.growsUntil = now + Self.downloadPatience
            } else if let end = memory.growsUntil, end <= now {
                memory.growsUntil = nil
            }
            memory.weights = seen
            memories[name] = memory
        }
        describeAll()
    }

    /// Whether a hosted tier can be asked.
    package mutating func saw(_ verdict: HostedVerdict, of tier: String) {
        guard memories[tier]?.verdict != verdict else { return }
        memories[tier, default: Memory()].verdict = verdict
        describe(tier)
    }

    /// Time passes: a failure is forgiven, a wait has been too long, a load gets on. Once a second is enough.
    package mutating func tick(at now: Double) {
        passed(now)
        for (name, memory) in memories {
            let isForgiven = memory.failedUntil.map { $0 <= now } ?? false
            if isForgiven { memories[name]?.failedUntil = nil }
            news += memories[name]?.admission.tick(at: now) ?? []
            if isForgiven || memory.changesWithTime { describe(name) }
        }
    }

    mutating func passed(_ now: Double) { time = max(time, now) }

    /// - Parameter reason: for people; nil takes work of others again.
    package mutating func drain(_ reason: String?) {
        drained = reason
        describePolicy()
    }

    /// Seconds without a new byte after which a download is no longer under way. Downloaders write what they have every
    /// second or so; a stall of the network may take longer.
    package static let downloadPatience = 20.0

    // MARK: The description

    private mutating func describeAll() {
        var new = description
        new.name = catalog.node.name ?? identity.hostName
        new.tiers = catalog.tiers.map { report($0, memories[$0.name] ?? Memory()) }
        new.residentSets = Self.residentSets(catalog)
        for name in memories.keys { memories[name]?.report = nil }
        for (index, tier) in catalog.tiers.enumerated() where !tier.isHosted {
            memories[tier.name, default: Memory()].report = index
        }
        if new != description {
            description = new
            description.sequence += 1
        }
        describePolicy()
    }

    mutating func describe(_ name: String) {
        guard let index = catalog.tiers.firstIndex(where: { $0.name == name }) else { return }
        let new = report(catalog.tiers[index], memories[name] ?? Memory())
        guard description.tiers[index] != new else { return }
        description.tiers[index] = new
        description.sequence += 1
    }

    private mutating func describePolicy() {
        let reason = reasonNotToAccept
        let policy = NodeDescription.Policy(
            share: description.sharedTiers, accepting: reason == nil, reason: reason)
        guard policy != description.policy else { return }
        description.policy = policy
        description.sequence += 1
    }

    private var reasonNotToAccept: String? {
        if let drained { return drained }
        switch llamaSwap {
        // None is run for hosted tiers.
        case _ where catalog.localTiers.isEmpty: break
        case .unheard: return "llama-swap has not answered yet"
        case .away: return "llama-swap does not answer"
        case .present: break
        }
        guard catalog.node.onBattery == .drain, description.power.source == .battery else { return nil }
        return "it runs on battery (on_battery = drain)"
    }

    /// The sets in which llama-swap may hold tiers together. Without a matrix it runs one at a time.
    private static func residentSets(_ catalog: Catalog) -> [[String]] {
        let resident = ResidentSets(catalog: catalog)
        guard !resident.sets.isEmpty else { return catalog.localTiers.map { [$0.name] } }
        return resident.sets.map { set in
            set.letters.compactMap { letter in resident.variables.first { $0.letter == letter }?.tier }
        }
    }
}
