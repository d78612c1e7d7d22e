/// What was asked of ``Fleet`` for one request. It says nothing of the request's text.
package struct PlacementQuestion: Equatable, Sendable, Codable {
    package enum Ask: Equatable, Sendable, Codable {
        /// The ladder chooses.
        case auto(RequestFacts)
        /// A tier by its name, and whether the router's models.ini has it as a local one; nil where it has none of that name.
        case tier(String, isLocal: Bool?)
        /// A tier of the router's own host, for another node: here or not at all.
        case here(String)
    }

    package var ask: Ask
    /// Its tier is set by ``ask``.
    package var work: Workload
    /// Hosts that failed at the request.
    package var tried: [NodeID]

    package init(_ ask: Ask, _ work: Workload, except tried: [NodeID] = []) {
        self.ask = ask
        self.work = work
        self.tried = tried
    }
}

extension Fleet {
    /// Where a request goes.
    ///
    /// - Parameter terms: asked for where the ladder chooses.
    package func route(
        _ question: PlacementQuestion, by terms: @autoclosure () -> RoutingTerms, at now: Double
    ) -> Route {
        var work = question.work
        switch question.ask {
        case .auto(let facts):
            let terms = terms()
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
