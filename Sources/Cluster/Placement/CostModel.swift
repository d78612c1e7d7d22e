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
    static func cost(of work: Workload, _ host: Standing, at now: Double?) -> Cost {
        let prompt = Double(work.promptTokens) * (host.lessons.tokenRatio ?? 1)
        let battery = host.isOnBattery ? Self.batteryPenalty : 0
        let queue = queue(prompt, host, host.slots)
        let open = now.map { host.openSlots(at: $0) } ?? host.slots
        let crowd = open < host.slots ? self.queue(prompt, host, open) - queue : 0
        return Cost(
            queue: queue + crowd, load: host.load.seconds + host.load.penalty,
            prefill: host.rates.prefill.seconds(of: prompt),
            decode: work.expectedOutput / decodeRate(host, beside: min(host.inHand, host.slots - 1)),
            network: (host.lessons.overhead ?? (host.isLocal ? 0 : roundTrip)) + battery,
            penalty: host.load.penalty + battery + crowd)
    }

    /// 0 with a free slot. Else the time to the (waiting + 1)th release: with all slots busy one comes free every
    /// service/slots seconds.
    private static func queue(_ prompt: Double, _ host: Standing, _ slots: Int) -> Double {
        guard host.inHand >= slots else { return 0 }
        let typical =
            host.rates.prefill.seconds(of: prompt)
            + Double(Workload.typicalOutput) / decodeRate(host, beside: slots - 1)
        return Double(host.inHand - slots + 1) * typical / Double(slots)
    }

    private static func decodeRate(_ host: Standing, beside others: Int) -> Double {
        host.rates.decode / (1 + Self.sharing * Double(max(others, 0)))
    }

    /// Worked out whenever the host reports, and not for each request.
    static func load(_ lane: Lane) -> Standing.Load {
        let rates = lane.standing.rates
        switch lane.standing.state {
        case .ready: return Standing.Load(seconds: 0, penalty: 0)
        case .loading:
            return Standing.Load(seconds: lane.standing.loadRemaining ?? Self.restOfLoad * rates.load, penalty: 0)
        case .stopped, .stopping, .failed, .absent, .unfit, .unknown: break
        }
        let evicted = Self.evicted(lane)
        // What is driven out finishes what it has in hand first.
        let drain =
            evicted.filter { $0.busy > 0 }
            .map { Double(Workload.typicalOutput) / max($0.speed.decodeRate ?? rates.decode, 1) }.max() ?? 0
        let reload = evicted.reduce(0) { $0 + ($1.speed.loadSeconds ?? rates.load) }
        return Standing.Load(seconds: drain + rates.load, penalty: Self.returnLikelihood * reload)
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
