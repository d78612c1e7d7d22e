/// What a request costs on a host: design of the placement, least expected seconds.
enum CostModel {
    /// Of a running request's rate, what each further one beside it takes: batches share the reading of the weights, and
    /// not the arithmetic.
    static let sharing = 0.3
    /// Seconds of a request and its answer between two hosts of a network, before it was measured.
    static let roundTrip = 0.002
    /// Seconds that speak against a host on battery that serves all the same: its owner wants it to last.
    static let batteryPenalty = 2.0
    /// How likely it is that what a load drives out is wanted again soon.
    static let returnLikelihood = 0.25
    /// The part of a load that is taken to be still to come where its host does not say.
    static let restOfLoad = 0.5

    /// - Parameter now: nil leaves out whether the host is just back.
    static func cost(of work: Workload, _ lane: Lane, at now: Double?) -> Cost {
        let known = lane.known
        let prompt = Double(work.promptTokens) * (lane.lessons.tokenRatio ?? 1)
        let (load, penalty) = Self.load(lane)
        let battery = known.host.power.source == .battery ? Self.batteryPenalty : 0
        let queue = queue(prompt, lane, lane.standing.slots)
        let open = now.map(lane.openSlots) ?? lane.standing.slots
        let crowd = open < lane.standing.slots ? self.queue(prompt, lane, open) - queue : 0
        return Cost(
            queue: queue + crowd, load: load + penalty, prefill: lane.rates.prefill.seconds(of: prompt),
            decode: work.expectedOutput / decodeRate(lane, beside: min(lane.inHand, lane.standing.slots - 1)),
            network: (lane.lessons.overhead ?? (known.host.isLocal ? 0 : roundTrip)) + battery,
            penalty: penalty + battery + crowd)
    }

    /// 0 with a free slot. Else the time to the (waiting + 1)th release: with all slots busy one comes free every
    /// service/slots seconds.
    private static func queue(_ prompt: Double, _ lane: Lane, _ slots: Int) -> Double {
        guard lane.inHand >= slots else { return 0 }
        let typical =
            lane.rates.prefill.seconds(of: prompt)
            + Double(Workload.typicalOutput) / decodeRate(lane, beside: slots - 1)
        return Double(lane.inHand - slots + 1) * typical / Double(slots)
    }

    private static func decodeRate(_ lane: Lane, beside others: Int) -> Double {
        lane.rates.decode / (1 + Self.sharing * Double(max(others, 0)))
    }

    /// Seconds until the model is there, and what others pay for it.
    private static func load(_ lane: Lane) -> (seconds: Double, penalty: Double) {
        switch lane.standing.state {
        case .ready: return (0, 0)
        case .loading:
            return (lane.standing.loadRemaining ?? Self.restOfLoad * lane.rates.load, 0)
        case .stopped, .stopping, .failed, .absent, .unfit, .unknown: break
        }
        let evicted = Self.evicted(lane)
        // What is driven out finishes what it has in hand first.
        let drain =
            evicted.filter { $0.busy > 0 }
            .map { Double(Workload.typicalOutput) / max($0.speed.decodeRate ?? lane.rates.decode, 1) }.max() ?? 0
        let reload = evicted.reduce(0) { $0 + ($1.speed.loadSeconds ?? lane.rates.load) }
        return (drain + lane.rates.load, Self.returnLikelihood * reload)
    }

    /// The tiers in memory that the load would drive out: those outside of the set that keeps most of them.
    private static func evicted(_ lane: Lane) -> [TierReport] {
        let (host, name) = (lane.known.host, lane.report.name)
        let resident = host.tiers.filter {
            $0.name != name && ($0.state == .ready || $0.state == .loading) && $0.backend == .gguf
        }
        guard !resident.isEmpty else { return [] }
        let keeps = host.residentSets.filter { $0.contains(name) }
            .map { set in resident.filter { !set.contains($0.name) } }
        return keeps.min { $0.count < $1.count } ?? resident
    }
}
