/// The hosts of a cluster as one router believes them to be, and where a request goes: the host with the least expected
/// seconds (``Cost``). Events and the time go in, in seconds of one monotonic clock.
///
/// A host can be asked unless
/// 1. it is down;
/// 2. it takes no work of others, or does not lend the tier, and the request is somebody else's or the host is;
/// 3. it serves another model under that name, where `[NODE] match` minds; or a hosted one, where the request is for a local
///    tier: nobody's prompt leaves the network, and nobody's AWS account pays, by accident;
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
package struct Fleet: Sendable, Codable {
    /// Costs that are this much apart, relative to the least, are the same.
    package static let tie = 0.05
    /// Tiers that are remembered whose hosts have gone, or of one host that has them no more.
    private static let goneLimit = 1024

    private var known: [NodeID: KnownHost] = [:]
    /// By the tier's name; in the order of the hosts' ids, so that equal knowledge gives equal choices.
    private(set) var lanes: [String: [Lane]] = [:]
    /// Tiers by the aliases under which hosts lend them.
    private var aliases: [String: String] = [:]
    /// Who served a tier that nobody has any more.
    private var gone: [String: Gone] = [:]
    /// Tiers of hosts that have not been heard yet, have gone, or have them no more.
    private var remembered: [NodeID: [String: Lane.Remembered]] = [:]
    /// When a tier of another host counts as the same.
    package var match: NodeSection.Match

    private struct Gone: Codable {
        var host: NodeID
        var name: String
    }

    package init(match: NodeSection.Match = .name) { self.match = match }

    // MARK: What is known

    /// What was known before this router started.
    ///
    /// - Parameter name: of the host, where its having served the tier is worth telling.
    package mutating func remember(
        _ speed: TierSpeed, _ lessons: TierLessons = TierLessons(), of tier: String, on host: NodeID,
        called name: String?
    ) {
        remembered[host, default: [:]][tier] = Lane.Remembered(speed: speed, lessons: lessons)
        if let name { note(tier, of: host, called: name) }
    }

    private mutating func note(_ tier: String, of host: NodeID, called name: String) {
        if lanes[tier] == nil, gone.count < Self.goneLimit { gone[tier] = Gone(host: host, name: name) }
    }

    /// A host is new, or has changed. What is the same of it costs little: the local host changes all the time.
    ///
    /// - Parameter now: counts where the host is back, being down no more or its router started anew.
    package mutating func set(_ host: Host, at now: Double = -.infinity) {
        let new = KnownHost(host)
        let old = known.updateValue(new, forKey: host.id)?.host
        let isSameRun = old?.epoch == host.epoch && old?.machine == host.machine
        // What it does not serve any more is not what others have lost.
        if !isSameRun { gone = gone.filter { $0.value.host != host.id } }
        let isBack = old.map { !isSameRun || ($0.health == .down && host.health != .down) } ?? false
        var namesChange = !isSameRun
        for (number, report) in host.tiers.enumerated() {
            gone[report.name] = nil
            if let index = lanes[report.name]?.firstIndex(where: { $0.host == host.id }) {
                let isRenamed = lanes[report.name]![index].update(
                    new, number, isNewRun: !isSameRun, back: isBack ? now : nil)
                namesChange = namesChange || isRenamed
            } else {
                let index = lanes[report.name]?.firstIndex { $0.host.rawValue > host.id.rawValue }
                let lane = Lane(new, number, remembered[host.id]?[report.name])
                lanes[report.name, default: []].insert(lane, at: index ?? lanes[report.name]?.endIndex ?? 0)
                namesChange = true
            }
        }
        for report in old?.tiers ?? [] where !host.tiers.contains(where: { $0.name == report.name }) {
            drop(host.id, from: report.name)
            namesChange = true
        }
        if namesChange { nameAliases() }
    }

    package mutating func remove(_ id: NodeID) {
        guard let host = known.removeValue(forKey: id)?.host else { return }
        for report in host.tiers {
            drop(id, from: report.name)
            note(report.name, of: id, called: host.name)
        }
        nameAliases()
        if remembered.count > Membership.leadLimit, let stranger = remembered.keys.first(where: { known[$0] == nil }) {
            remembered[stranger] = nil
        }
    }

    /// What replies have taught of the tiers of hosts that are known.
    package func forEachLesson(_ body: (NodeID, _ tier: String, TierLessons) -> Void) {
        for (tier, list) in lanes {
            for lane in list where lane.standing.lessons != TierLessons() {
                body(lane.host, tier, lane.standing.lessons)
            }
        }
    }

    /// As it was told last.
    package func host(_ id: NodeID) -> Host? { known[id]?.host }
    package var hosts: [Host] { known.values.map(\.host) }

    /// A host has a tier no more, for now: what is known of it is for when it has it again.
    private mutating func drop(_ id: NodeID, from tier: String) {
        guard let index = lanes[tier]?.firstIndex(where: { $0.host == id }),
            let lane = lanes[tier]?.remove(at: index)
        else { return }
        if lanes[tier]?.isEmpty == true { lanes[tier] = nil }
        if let count = remembered[id]?.count, count >= Self.goneLimit { return }
        remembered[id, default: [:]][tier] = lane.remembered
    }

    /// A tier's own name counts before any alias; of two tiers with one alias the first by name has it.
    private mutating func nameAliases() {
        aliases = [:]
        for (tier, list) in lanes.sorted(by: { $0.key < $1.key }) {
            for lane in list where lane.report.shared {
                for alias in lane.report.aliases where aliases[alias] == nil { aliases[alias] = tier }
            }
        }
    }

    /// The tier that hosts serve, or served, under a name or alias; nil where none does.
    package func tier(named name: String) -> String? {
        lanes[name] != nil || gone[name] != nil ? name : aliases[name]
    }

    /// Whether a host serves it with a model of its own: then a request that names it goes to none that has it hosted.
    package func isLocal(_ tier: String) -> Bool { lanes[tier]?.contains { $0.standing.isLocalModel } ?? false }

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
                if let observed { lane.lessons.take(observed) }
            case .failed: isOut = lane.ejection.failed(at: now)
            case .undecided: break
            }
        }
        return isOut
    }

    private mutating func change(_ tier: String, _ host: NodeID, _ change: (inout Standing) -> Void) {
        // In place, and looked up once.
        guard let list = lanes.index(forKey: tier),
            let lane = lanes.values[list].firstIndex(where: { $0.host == host })
        else { return }
        change(&lanes.values[list][lane].standing)
    }

    /// How a request went.
    package enum Outcome: Equatable, Sendable, Codable {
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
        // 6
        guard let best = cheapest(list, work, tried, now) ?? cheapest(list, work, tried, nil) else {
            return unserved(work, tried, now)
        }
        return .host(best)
    }

    /// - Parameter now: nil leaves out rule 6.
    func cheapest(
        _ list: [Lane], _ work: Workload, _ tried: [NodeID], _ now: Double?
    ) -> Verdict? {
        // Where they lie: a lane is much to copy, and this is done for each request.
        list.withUnsafeBufferPointer { lanes in
            withUnsafeTemporaryAllocation(of: Candidate.self, capacity: lanes.count) { candidates in
                // 8
                var (count, leastRank, least) = (0, Int.max, Double.infinity)
                for index in lanes.indices {
                    let host = lanes[index].standing
                    guard barrier(host, lanes[index], work, tried, now) == nil, let rank = rank(host, work) else {
                        continue
                    }
                    let cost = CostModel.cost(of: work, host, at: now)
                    candidates.initializeElement(at: count, to: Candidate(index: index, rank: rank, cost: cost))
                    count += 1
                    if (rank, cost.total) < (leastRank, least) { (leastRank, least) = (rank, cost.total) }
                }
                // 9
                var best: (index: Int, cost: Cost, isLocal: Bool, draw: UInt64)?
                for candidate in candidates[..<count]
                where candidate.rank == leastRank && candidate.cost.total <= least * (1 + Self.tie) {
                    let isLocal = lanes[candidate.index].standing.isLocal
                    let draw = Self.draw(lanes[candidate.index].host, work.seed)
                    if let best, best.isLocal != isLocal ? best.isLocal : best.draw >= draw { continue }
                    best = (candidate.index, candidate.cost, isLocal, draw)
                }
                return best.map { Verdict(lanes[$0.index], cost: $0.cost) }
            }
        }
    }

    /// A lane that can be asked.
    private struct Candidate: BitwiseCopyable {
        var index: Int
        var rank: Int
        var cost: Cost
    }

    /// What is made of each host, the router's own first: what `explain` shows.
    package func verdicts(_ work: Workload, except tried: [NodeID] = [], at now: Double) -> [Verdict] {
        let list = lanes[work.tier] ?? []
        let allOut = allOut(list, work, tried, now)
        return list.filter { $0.standing.isLocal || !work.isHereOnly }.map { lane in
            let tooSmall: Verdict.Exclusion? =
                rank(lane.standing, work) == nil ? .tooSmall(context: lane.standing.contextSize) : nil
            return Verdict(
                lane, exclusion: exclusion(lane, work, tried, allOut ? nil : now) ?? tooSmall,
                cost: CostModel.cost(of: work, lane.standing, at: now))
        }.sorted { ($0.isLocal ? 0 : 1, $0.name, $0.id.rawValue) < ($1.isLocal ? 0 : 1, $1.name, $1.id.rawValue) }
    }

    /// Why a host cannot be asked, as the rules have it.
    private enum Barrier {
        case notAsked, down, noPlace, notShared, notAccepting, otherModel, hosted, state, tried, failed, ejected
    }

    /// - Parameters:
    ///   - lane: of the host; asked for where the numbers do not tell.
    ///   - now: nil leaves out rule 6.
    private func barrier(
        _ host: Standing, _ lane: @autoclosure () -> Lane, _ work: Workload, _ tried: [NodeID], _ now: Double?
    ) -> Barrier? {
        guard host.isLocal || !work.isHereOnly else { return .notAsked }
        // 1
        guard host.health == .up || host.health == .suspect else { return .down }
        guard host.isLocal || host.hasPlace else { return .noPlace }
        // 2
        if !(host.isLocal && work.isOwn) {
            guard host.isShared else { return .notShared }
            guard host.isAccepting else { return .notAccepting }
        }
        // 3
        if !host.isLocal, match != .name, otherModel(of: lane().report) != nil { return .otherModel }
        if work.staysLocal, !host.isLocalModel { return .hosted }
        // 4
        guard host.state.canServe || host.state == .failed else { return .state }
        // 5
        if !tried.isEmpty, tried.contains(lane().host) { return .tried }
        // 6
        guard let now else { return nil }
        if host.state == .failed { return .failed }
        return host.ejection.isOut(at: now) ? .ejected : nil
    }

    /// The same with all that there is to tell of it.
    private func exclusion(_ lane: Lane, _ work: Workload, _ tried: [NodeID], _ now: Double?) -> Verdict.Exclusion? {
        let (host, report) = (lane.known.host, lane.report)
        return switch barrier(lane.standing, lane, work, tried, now) {
        case nil: nil
        case .notAsked: .notAsked
        case .down: .down(host.evidence)
        case .noPlace: .down("it has no address")
        case .notShared: .notShared
        case .notAccepting: .notAccepting(host.policy.reason ?? "draining")
        case .otherModel: .otherModel(otherModel(of: report) ?? "")
        case .hosted: .otherModel("a hosted one")
        case .state, .failed: .state(report.state, report.note ?? "")
        case .tried: .triedAlready
        case .ejected: .ejected(seconds: lane.standing.ejection.remaining(at: now ?? 0))
        }
    }

    /// Whether rule 6 would leave nobody.
    private func allOut(_ list: [Lane], _ work: Workload, _ tried: [NodeID], _ now: Double) -> Bool {
        // A host that has no room is none that could take the others' place.
        list.allSatisfy { lane in
            barrier(lane.standing, lane, work, tried, now) != nil || rank(lane.standing, work) == nil
        }
    }

    /// What a host has in place of the local host's model.
    private func otherModel(of report: TierReport) -> String? {
        guard let own = lanes[report.name]?.first(where: { $0.standing.isLocal })?.report.fingerprint else {
            return nil
        }
        let other = report.fingerprint
        let isSame =
            switch match {
            case .name: true
            case .family: own.family == other.family
            case .exact: own.family == other.family && own.file == other.file && own.settings == other.settings
            }
        return isSame ? nil : other.file ?? other.family
    }

    /// Lower is better; nil where the prompt has no room.
    private func rank(_ host: Standing, _ work: Workload) -> Int? {
        // 8
        let doubt = host.health == .suspect ? 1 << 32 : 0
        // 7
        let context = host.contextSize
        if context == 0 || work.promptTokens + (work.outputLimit ?? 0) <= context { return doubt }
        if work.promptTokens <= context { return doubt + 1 }
        return work.isFlexible ? nil : doubt + 2 + max(0, 1_000_000_000 - context)
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
        let reasons = verdicts.compactMap { verdict in verdict.exclusion.map { "\(verdict.name): \($0.text)" } }
        if !reasons.isEmpty {
            return .unserved(
                Unserved(
                    kind: verdicts.allSatisfy { $0.exclusion == .notShared } ? .notLent : .unavailable,
                    why: reasons.joined(separator: "; "),
                    retryAfter: verdicts.compactMap { $0.exclusion?.retryAfter }.min() ?? 30))
        }
        guard let name = gone[work.tier]?.name else {
            return .unserved(Unserved(kind: .unknown, why: "no node serves it", retryAfter: 30))
        }
        return .unserved(Unserved(kind: .unavailable, why: "\(name), which served it, has left", retryAfter: 30))
    }
}
