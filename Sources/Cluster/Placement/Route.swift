/// Where a request goes, and why: the ladder's answer extended by hosts.
package struct Route: Equatable, Sendable {
    /// The tier that is asked for.
    package var tier: String
    /// Why that tier, as the router logs it and the reply's head says it.
    package var reason: String
    package var decision: Fleet.Decision
    /// Whether hosted tiers were out of the question.
    package var staysLocal: Bool
    /// The tiers that were looked at in turn, and why none before the last was taken.
    package var rungs: [Rung]

    package struct Rung: Equatable, Sendable {
        package var tier: String
        /// nil for the one that was taken.
        package var why: String?
    }

    init(tier: String, reason: String, decision: Fleet.Decision, staysLocal: Bool, rungs: [Rung]) {
        self.tier = tier
        self.reason = reason
        self.decision = decision
        self.staysLocal = staysLocal
        self.rungs = rungs
    }

    /// Of a request that names its tier.
    package init(named work: Workload, _ decision: Fleet.Decision) {
        self.init(tier: work.tier, reason: "named", decision: decision, staysLocal: work.staysLocal, rungs: [])
    }
}

extension Fleet {
    /// Places a request that leaves the tier to the ladder.
    ///
    /// 1. The ladder's own choice, where a host can serve it and has room.
    /// 2. Else its steps in turn (``Ladder/steps(after:_:hasToolsFloor:)``), but never from a local tier to a hosted one:
    ///    nobody's prompt leaves the network, and nobody's AWS account pays, by accident.
    /// 3. Where the prompt has room nowhere, the first of them that is served at all: its engine says what is wrong.
    ///
    /// - Parameters:
    ///   - own: this host's tier of a name or alias, and whether it is a hosted one.
    ///   - work: the request; its tier is set here.
    package func route(
        _ facts: RequestFacts, by ladder: Ladder, hasToolsFloor: Bool,
        own: (String) -> (name: String, isHosted: Bool)?, _ work: Workload, except tried: [NodeID] = [], at now: Double
    ) -> Route {
        let choice = ladder.decide(facts)
        // [ROUTING] may name aliases.
        func tier(_ name: String) -> String { own(name)?.name ?? self.tier(named: name) ?? name }
        // 2
        let staysLocal = !(own(choice.model)?.isHosted ?? false)
        let steps = ladder.steps(after: choice, facts, hasToolsFloor: hasToolsFloor).filter { step in
            !(staysLocal && own(step)?.isHosted == true)
        }
        let chosen = tier(choice.model)
        var rungs: [Route.Rung] = []
        var wait = Int.max
        var kind = Fleet.Unserved.Kind.unknown
        for isFlexible in [true, false] {
            for tier in [chosen] + steps.map(tier) {
                var work = work
                work.tier = tier
                work.isFlexible = isFlexible
                work.staysLocal = staysLocal
                switch place(work, except: tried, at: now) {
                case .host(let verdict):
                    // 1, 3
                    if isFlexible { rungs.append(Route.Rung(tier: tier, why: nil)) }
                    return Route(
                        tier: tier, reason: Self.reason(choice, chosen, tier, rungs), decision: .host(verdict),
                        staysLocal: staysLocal, rungs: rungs)
                case .unserved(let unserved):
                    if isFlexible { rungs.append(Route.Rung(tier: tier, why: unserved.why)) }
                    wait = min(wait, unserved.retryAfter)
                    if unserved.kind != .unknown { kind = unserved.kind }
                }
            }
        }
        let why = rungs.map { "\($0.tier): \($0.why ?? "")" }.joined(separator: "; ")
        return Route(
            tier: chosen, reason: choice.reason,
            decision: .unserved(Unserved(kind: kind, why: why, retryAfter: wait)),
            staysLocal: staysLocal, rungs: rungs)
    }

    private static func reason(
        _ choice: Ladder.Decision, _ chosen: String, _ tier: String, _ rungs: [Route.Rung]
    ) -> String {
        guard tier != chosen else { return choice.reason }
        let skipped = rungs.prefix { $0.tier != tier }.map { "\($0.tier) has no host: \($0.why ?? "")" }
        return "\(choice.reason) -> \(tier) (\(skipped.joined(separator: "; ")))"
    }
}
