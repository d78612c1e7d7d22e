/// The hosts of a cluster as one router believes them to be, and where a request goes: the host with the least expected
/// seconds (``Cost``). Events and the time go in, in seconds of one monotonic clock.
///
/// A host can be asked unless
/// 1. it is down;
/// 2. it takes no work of others, or does not lend the tier, and the request is somebody else's or the host is;
/// 3. it serves another model under that name, where `[NODE] match` minds;
/// 4. its tier cannot serve: not downloaded, too big;
/// 5. it failed at this very request;
/// 6. the tier is out there (``Ejection``), or its load failed a moment ago, unless that is so everywhere;
/// 7. its slots are too small for the prompt: of the others those are preferred that have room for the reply, too. A tier
///    that somebody named is asked all the same where there is most room.
///
/// Of those that can be asked:
/// 8. one that is suspect only where no other can;
/// 9. the cheapest; within five percent of it the router's own, then the one that the request's seed picks, so that what
///    costs the same spreads.
package struct Fleet: Sendable {
    /// Costs that are this much apart, relative to the least, are the same.
    package static let tie = 0.05
    /// Tiers of hosts that have gone that are remembered.
    private static let goneLimit = 1024

    package private(set) var hosts: [NodeID: Host] = [:]
    /// By the tier's name; in the order of the hosts' ids, so that equal knowledge gives equal choices.
    private var lanes: [String: [Lane]] = [:]
    /// What hosts that have gone served: by tier, their names.
    private var gone: [String: String] = [:]
    /// Rates from before, of hosts that have not been heard yet.
    private var known: [NodeID: [String: TierSpeed]] = [:]
    /// When a tier of another host counts as the same.
    package var match: NodeSection.Match

    package init(match: NodeSection.Match = .name) { self.match = match }

    // MARK: What is known

    /// Rates that were known before this router started.
    package mutating func remember(_ speed: TierSpeed, of tier: String, on host: NodeID, called name: String) {
        known[host, default: [:]][tier] = speed
        if lanes[tier] == nil, gone.count < Self.goneLimit { gone[tier] = name }
    }

    /// A host is new, or has changed.
    package mutating func set(_ host: Host, at now: Double) {
        let old = hosts.updateValue(host, forKey: host.id)
        for report in host.tiers {
            var list = lanes[report.name] ?? []
            if let index = list.firstIndex(where: { $0.host == host.id }) {
                if old?.epoch != host.epoch { list[index].ejection = Ejection() }
                list[index].update(host, report, at: now)
            } else {
                let index = list.firstIndex { $0.host.rawValue > host.id.rawValue } ?? list.endIndex
                list.insert(Lane(host, report, known: known[host.id]?[report.name]), at: index)
            }
            lanes[report.name] = list
            gone[report.name] = nil
        }
        for report in old?.tiers ?? [] where !host.tiers.contains(where: { $0.name == report.name }) {
            drop(host.id, from: report.name)
        }
    }

    package mutating func remove(_ id: NodeID) {
        guard let host = hosts.removeValue(forKey: id) else { return }
        for report in host.tiers {
            known[id, default: [:]][report.name] = lanes[report.name]?.first { $0.host == id }?.known
            drop(id, from: report.name)
            if lanes[report.name] == nil, gone.count < Self.goneLimit { gone[report.name] = host.name }
        }
    }

    private mutating func drop(_ id: NodeID, from tier: String) {
        lanes[tier]?.removeAll { $0.host == id }
        if lanes[tier]?.isEmpty == true { lanes[tier] = nil }
    }

    /// The tier that other hosts serve under a name or alias.
    ///
    /// - Returns: nil where none does, or did.
    package func tier(named name: String) -> String? {
        if lanes[name] != nil || gone[name] != nil { return name }
        return lanes.filter { $0.value.contains { $0.report.shared && $0.report.aliases.contains(name) } }.keys.min()
    }

    /// Whether other hosts serve a tier by AWS alone.
    func servesHosted(_ tier: String) -> Bool {
        lanes[tier].map { $0.allSatisfy { $0.report.backend == .bedrock } } ?? false
    }

    // MARK: Requests

    /// A request is on its way.
    package mutating func sent(_ tier: String, to host: NodeID) { change(tier, host) { $0.sent() } }

    /// It is over.
    ///
    /// - Returns: whether the tier is out there from now on.
    package mutating func ended(_ tier: String, on host: NodeID, _ outcome: Outcome, at now: Double) -> Bool {
        var isOut = false
        change(tier, host) { lane in
            lane.ended()
            switch outcome {
            case .served(let observed):
                lane.ejection.succeeded(at: now)
                if let observed { lane.learned.take(observed) }
            case .failed: isOut = lane.ejection.failed(at: now)
            case .undecided: break
            }
        }
        return isOut
    }

    private mutating func change(_ tier: String, _ host: NodeID, _ change: (inout Lane) -> Void) {
        guard let index = lanes[tier]?.firstIndex(where: { $0.host == host }) else { return }
        change(&lanes[tier]![index])
    }

    /// How a request went.
    package enum Outcome: Equatable, Sendable {
        case served(Observation?)
        /// 5xx, or no reply.
        case failed
        /// The client's fault or doing: says nothing of the host.
        case undecided
    }

    // MARK: Placing

    package enum Decision: Equatable, Sendable {
        case host(Verdict)
        case unserved(Unserved)
    }

    /// Why nobody can be asked.
    package struct Unserved: Equatable, Sendable {
        package enum Kind: Equatable, Sendable {
            /// Nobody has heard of the tier.
            case unknown
            /// There are hosts that serve it, and none lends it.
            case notLent
            case unavailable
        }

        package var kind: Kind
        /// For people.
        package var why: String
        /// Seconds after which another try makes sense.
        package var retryAfter: Int
    }

    /// - Parameter tried: hosts that failed at this request.
    package func place(_ work: Workload, except tried: [NodeID] = [], at now: Double) -> Decision {
        let list = lanes[work.tier] ?? []
        let allOut = allOut(list, work, tried, now)
        var best: (rank: Int, cost: Cost, index: Int)?
        for (index, lane) in list.enumerated() {
            guard let host = hosts[lane.host], exclusion(lane, work, tried, allOut ? nil : now) == nil,
                let rank = rank(lane, host, work)
            else { continue }
            let cost = cost(lane, host, work, now)
            if let old = best {
                guard rank <= old.rank else { continue }
                if rank == old.rank {
                    let other = list[old.index]
                    guard isBetter(lane, cost.total, than: other, old.cost.total, work) else { continue }
                }
            }
            best = (rank, cost, index)
        }
        guard let best, let host = hosts[list[best.index].host] else { return unserved(work, tried, now) }
        return .host(Verdict(host: host, cost: best.cost, inHand: list[best.index].inHand))
    }

    /// What is made of each host, the router's own first: what `explain` shows.
    package func verdicts(_ work: Workload, except tried: [NodeID] = [], at now: Double) -> [Verdict] {
        let list = lanes[work.tier] ?? []
        let allOut = allOut(list, work, tried, now)
        return list.compactMap { lane in
            guard let host = hosts[lane.host] else { return nil }
            let isTooSmall = rank(lane, host, work) == nil
            return Verdict(
                host: host,
                exclusion: exclusion(lane, work, tried, allOut ? nil : now)
                    ?? (isTooSmall ? .tooSmall(context: lane.report.fingerprint.contextSize) : nil),
                cost: cost(lane, host, work, now), inHand: lane.inHand)
        }.sorted {
            ($0.host.isLocal ? 0 : 1, $0.host.name, $0.host.id.rawValue) < (
                $1.host.isLocal ? 0 : 1, $1.host.name, $1.host.id.rawValue
            )
        }
    }

    private func cost(_ lane: Lane, _ host: Host, _ work: Workload, _ now: Double) -> Cost {
        CostModel(host: host, lane: lane, now: now).cost(of: work)
    }

    /// - Parameter now: nil leaves out rule 6.
    private func exclusion(
        _ lane: Lane, _ work: Workload, _ tried: [NodeID], _ now: Double?
    ) -> Verdict.Exclusion? {
        guard let host = hosts[lane.host] else { return .down("") }
        // 1
        guard host.health == .up || host.health == .suspect else { return .down(host.evidence) }
        // 2
        if !(host.isLocal && work.isOwn) {
            guard lane.report.shared else { return .notShared }
            guard host.policy.accepting else { return .notAccepting(host.policy.reason ?? "draining") }
        }
        // 3
        if !host.isLocal, match != .name, let other = mismatch(lane) { return .otherModel(other) }
        // 4
        let hasFailed = lane.report.state == .failed
        guard lane.report.state.canServe || hasFailed else { return .state(lane.report.state, lane.report.note ?? "") }
        // 5
        if tried.contains(lane.host) { return .triedAlready }
        // 6
        guard let now else { return nil }
        if hasFailed { return .state(.failed, lane.report.note ?? "") }
        return lane.ejection.isOut(at: now) ? .ejected(seconds: lane.ejection.remaining(at: now)) : nil
    }

    /// Whether rule 6 would leave nobody.
    private func allOut(_ list: [Lane], _ work: Workload, _ tried: [NodeID], _ now: Double) -> Bool {
        // A host that has no room is none that could take the others' place.
        list.allSatisfy { lane in
            guard let host = hosts[lane.host] else { return true }
            return exclusion(lane, work, tried, now) != nil || rank(lane, host, work) == nil
        }
    }

    /// What the host has in place of the local host's model.
    private func mismatch(_ lane: Lane) -> String? {
        guard let own = lanes[lane.report.name]?.first(where: { hosts[$0.host]?.isLocal == true })?.report.fingerprint
        else { return nil }
        let other = lane.report.fingerprint
        let isSame =
            switch match {
            case .name: true
            case .family: own.family == other.family
            case .exact: own.family == other.family && own.file == other.file && own.settings == other.settings
            }
        return isSame ? nil : other.file ?? other.family
    }

    /// Lower is better; nil where the prompt has no room.
    private func rank(_ lane: Lane, _ host: Host, _ work: Workload) -> Int? {
        // 8
        let doubt = host.health == .suspect ? 1 << 32 : 0
        // 7
        let context = lane.report.fingerprint.contextSize
        if context == 0 || work.promptTokens + (work.outputLimit ?? 0) <= context { return doubt }
        if work.promptTokens <= context { return doubt + 1 }
        return work.isFlexible ? nil : doubt + 2 + max(0, 1_000_000_000 - context)
    }

    /// 9
    private func isBetter(_ lane: Lane, _ cost: Double, than other: Lane, _ least: Double, _ work: Workload) -> Bool {
        if abs(cost - least) > Self.tie * min(cost, least) { return cost < least }
        let isLocal = hosts[lane.host]?.isLocal == true
        let otherIsLocal = hosts[other.host]?.isLocal == true
        if isLocal != otherIsLocal { return isLocal }
        return Self.draw(lane.host, work.seed) > Self.draw(other.host, work.seed)
    }

    /// Rendezvous hashing (Thaler and Ravishankar, 1998): each host draws a number for the request, the highest wins.
    private static func draw(_ host: NodeID, _ seed: UInt64) -> UInt64 {
        // FNV-1a over the id, then the finaliser of SplitMix64.
        var hash = seed ^ 0xcbf2_9ce4_8422_2325
        for byte in host.rawValue.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return hash ^ (hash >> 31)
    }

    private func unserved(_ work: Workload, _ tried: [NodeID], _ now: Double) -> Decision {
        let verdicts = verdicts(work, except: tried, at: now)
        let reasons = verdicts.compactMap { verdict in verdict.exclusion.map { "\(verdict.host.name): \($0.text)" } }
        if !reasons.isEmpty {
            return .unserved(
                Unserved(
                    kind: verdicts.allSatisfy { $0.exclusion == .notShared } ? .notLent : .unavailable,
                    why: reasons.joined(separator: "; "),
                    retryAfter: verdicts.compactMap { $0.exclusion?.retryAfter }.min() ?? 30))
        }
        guard let name = gone[work.tier] else {
            return .unserved(Unserved(kind: .unknown, why: "no node serves it", retryAfter: 30))
        }
        return .unserved(Unserved(kind: .unavailable, why: "\(name), which served it, has left", retryAfter: 30))
    }
}
