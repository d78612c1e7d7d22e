/// What was asked of ``Fleet`` for one request. It says nothing of the request's text.
package struct PlacementQuestion: Equatable, Sendable, Codable {
    package enum Ask: Equatable, Sendable, Codable {
        /// The ladder chooses, by these terms.
        case auto(RequestFacts)
        /// A tier by its name, and whether the router's models.ini has it as a local one; nil where it has none of that name.
        case tier(String, isLocal: Bool?)
        /// On the router's own host or not at all.
        case here(String)
    }

    package var ask: Ask
    /// Its tier is set by ``ask``.
    package var work: Workload
    /// Hosts that failed at the request.
    package var tried: [NodeID]

    package init(_ ask: Ask, _ work: Workload, except tried: [NodeID]) {
        self.ask = ask
        self.work = work
        self.tried = tried
    }
}

/// What a router's models.ini and environment say of requests that leave the tier to the ladder.
package struct RoutingTerms: Equatable, Sendable, Codable {
    package struct Own: Equatable, Sendable, Codable {
        package var name: String
        package var isHosted: Bool
    }

    package var ladder: Ladder
    package var hasToolsFloor: Bool
    /// Tiers of the router's own host by the names that the ladder has for them.
    package var own: [String: Own]

    package init(
        ladder: Ladder, hasToolsFloor: Bool, own: (String) -> (name: String, isHosted: Bool)?
    ) {
        self.ladder = ladder
        self.hasToolsFloor = hasToolsFloor
        let settings = ladder.settings
        let names = [
            settings.fastModel, settings.agentModel, settings.ultraModel, settings.planModel, settings.uncensoredModel,
        ]
        self.own = names.reduce(into: [:]) { all, name in
            all[name] = own(name).map { Own(name: $0.name, isHosted: $0.isHosted) }
        }
    }
}

/// What came of a ``PlacementQuestion``.
package struct PlacementChoice: Equatable, Sendable, Codable {
    package var tier: String
    /// nil where nobody could be asked.
    package var host: NodeID?
    /// Why nobody could be; empty where somebody can.
    package var why: String

    package init(_ route: Route) {
        tier = route.tier.printable()
        switch route.decision {
        case .host(let verdict): (host, why) = (verdict.id, "")
        case .unserved(let unserved): (host, why) = (nil, unserved.why)
        }
    }
}

extension Fleet {
    /// The route that a router takes, as its own placing does.
    ///
    /// - Returns: nil where the ladder is asked and there are no terms.
    package func route(_ question: PlacementQuestion, by terms: RoutingTerms?, at now: Double) -> Route? {
        var work = question.work
        switch question.ask {
        case .auto(let facts):
            guard let terms else { return nil }
            return route(
                facts, by: terms.ladder, hasToolsFloor: terms.hasToolsFloor,
                own: { terms.own[$0].map { ($0.name, $0.isHosted) } }, work, except: question.tried, at: now)
        case .tier(let tier, let isLocal):
            work.tier = tier
            work.staysLocal = isLocal ?? self.isLocal(tier)
        case .here(let tier):
            work.tier = tier
            work.isHereOnly = true
        }
        return Route(named: work, place(work, except: question.tried, at: now))
    }
}
