package import Cluster
import Synchronization
package import Wire

/// What a router knows of the cluster's hosts, for all its event loops: ``Fleet`` with a clock, kept up to date.
package final class FleetBook: Sendable {
    private struct State {
        var fleet: Fleet
        /// Of the local node's description in ``fleet``: its sequence, its revision, and when it was taken.
        var own: (sequence: UInt64, revision: UInt64, since: Double)?
        var budget = RetryBudget()
    }

    /// Seconds for which the local node's description does: requests change it all the time, and what this router's own
    /// change the fleet counts itself. As often as it tells other nodes, or twice.
    private static let freshness = 0.05

    private let state: Mutex<State>
    private let local: any LocalNode

    package init(local: any LocalNode, match: NodeSection.Match = .name) {
        state = Mutex(State(fleet: Fleet(match: match)))
        self.local = local
    }

    /// Another node looks otherwise now; nil: it is a member no more.
    package func changed(_ id: NodeID, _ member: Membership.Member?) {
        let host = member.flatMap { Host($0) }
        let now = Uptime.seconds
        state.withLock { state in
            if let host { state.fleet.set(host, at: now) } else { state.fleet.remove(id) }
        }
    }

    /// Rates that were known before this router started.
    ///
    /// - Parameter name: of the host, where its having served the tier is worth telling.
    package func remember(_ speed: TierSpeed, of tier: String, on host: NodeID, called name: String?) {
        state.withLock { $0.fleet.remember(speed, of: tier, on: host, called: name) }
    }

    /// Asks the fleet, with the local host as it is at this moment.
    ///
    /// - Parameter match: `[NODE] match` of models.ini.
    func ask<Answer>(match: NodeSection.Match, _ question: (Fleet, Double) -> Answer) -> Answer {
        let now = Uptime.seconds
        return state.withLock { state in
            refresh(&state, match, now)
            return question(state.fleet, now)
        }
    }

    /// Where a request that has just come goes: it is counted, and as sent where there is a host for it.
    func choose(match: NodeSection.Match, isNew: Bool, _ choice: (Fleet, Double) -> Route) -> Route {
        let now = Uptime.seconds
        return state.withLock { state in
            refresh(&state, match, now)
            if isNew { state.budget.took(at: now) }
            let route = choice(state.fleet, now)
            if case .host(let verdict) = route.decision { state.fleet.sent(route.tier, to: verdict.id) }
            return route
        }
    }

    private func refresh(_ state: inout State, _ match: NodeSection.Match, _ now: Double) {
        let revision = local.revision
        if state.own.map({ revision != $0.revision || now - $0.since >= Self.freshness }) ?? true {
            let own = local.description
            if own.sequence != state.own?.sequence { state.fleet.set(Host(local: own)) }
            state.own = (own.sequence, revision, now)
        }
        if state.fleet.match != match { state.fleet.match = match }
    }

    func sent(_ tier: String, to host: NodeID) { state.withLock { $0.fleet.sent(tier, to: host) } }

    /// - Returns: whether the tier is out there from now on.
    func ended(_ tier: String, on host: NodeID, _ outcome: Fleet.Outcome) -> Bool {
        let now = Uptime.seconds
        return state.withLock { $0.fleet.ended(tier, on: host, outcome, at: now) }
    }

    // MARK: Retries

    func retried() {
        let now = Uptime.seconds
        state.withLock { $0.budget.retried(at: now) }
    }

    func mayAskAnother(_ attempts: Attempts, after outcome: Attempts.Outcome) -> Bool {
        let now = Uptime.seconds
        return state.withLock { attempts.mayAskAnother(after: outcome, $0.budget, at: now) }
    }
}
