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
    private let recorder: Recorder?

    /// - Parameter recorder: gets all that the fleet is told and asked, and what it says.
    package init(local: any LocalNode, match: NodeSection.Match = .name, recorder: Recorder? = nil) {
        let fleet = Fleet(match: match)
        state = Mutex(State(fleet: fleet))
        self.local = local
        self.recorder = recorder
        recorder?.began(fleet, at: Uptime.seconds)
    }

    /// Another node looks otherwise now; nil: it is a member no more.
    package func changed(_ id: NodeID, _ member: Membership.Member?) {
        let host = member.flatMap { Host($0) }
        let now = Uptime.seconds
        state.withLock { state in
            if let host { state.fleet.set(host, at: now) } else { state.fleet.remove(id) }
            recorder?.took(.told(id), state.fleet, at: now)
        }
    }

    /// What was known before this router started.
    ///
    /// - Parameter name: of the host, where its having served the tier is worth telling.
    package func remember(
        _ speed: TierSpeed, _ lessons: TierLessons, of tier: String, on host: NodeID, called name: String?
    ) {
        state.withLock { state in
            state.fleet.remember(speed, lessons, of: tier, on: host, called: name)
            recorder?.took(.remember(host, tier: tier, speed, lessons, name: name), state.fleet, at: Uptime.seconds)
        }
    }

    /// What replies have taught: what the next router is to know.
    package var lessons: [LedgerMemory.RateKey: TierLessons] {
        state.withLock { state in
            var lessons: [LedgerMemory.RateKey: TierLessons] = [:]
            state.fleet.forEachLesson { lessons[LedgerMemory.RateKey($0, $1)] = $2 }
            return lessons
        }
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

    /// Where a request goes: counted there as sent.
    ///
    /// - Parameter isNew: whether it counts for the ``RetryBudget``.
    func choose(
        _ question: PlacementQuestion, by terms: @autoclosure () -> RoutingTerms, match: NodeSection.Match, isNew: Bool
    ) -> Route {
        let now = Uptime.seconds
        return state.withLock { state in
            refresh(&state, match, now)
            if isNew { state.budget.took(at: now) }
            let route = state.fleet.route(question, by: terms(), at: now)
            if case .host(let verdict) = route.decision { state.fleet.sent(route.tier, to: verdict.id) }
            recorder?.took(.choice(question, terms(), PlacementChoice(route), isSent: true), state.fleet, at: now)
            return route
        }
    }

    /// Where a request would go that could not be served where it went first.
    func chooseAgain(_ question: PlacementQuestion, by terms: RoutingTerms, match: NodeSection.Match) -> Route {
        ask(match: match) { fleet, now in
            let route = fleet.route(question, by: terms, at: now)
            recorder?.took(.choice(question, terms, PlacementChoice(route), isSent: false), fleet, at: now)
            return route
        }
    }

    /// The host that a request should leave the one for that it waits at, and why: counted there as sent. nil where it is
    /// well where it is.
    ///
    /// - Parameter work: with the tier that it waits for.
    func withdraw(
        _ request: String, _ work: Workload, from host: NodeID, _ attempts: Attempts, match: NodeSection.Match
    ) -> (to: Verdict, why: Withdrawal.Reason)? {
        guard attempts.mayBeWithdrawn else { return nil }
        let left = attempts.tried + attempts.left
        let now = Uptime.seconds
        return state.withLock { state in
            refresh(&state, match, now)
            guard let move = state.fleet.withdrawal(of: request, work, from: host, except: left, at: now) else {
                return nil
            }
            if move.why.isFault {
                guard state.budget.allowsRetry(at: now) else { return nil }
                state.budget.retried(at: now)
            }
            recorder?.took(
                .withdrawal(request, work, from: host, except: left, to: move.to.id), state.fleet, at: now)
            state.fleet.sent(work.tier, to: move.to.id)
            recorder?.took(.sent(tier: work.tier, move.to.id), state.fleet, at: now)
            return move
        }
    }

    private func refresh(_ state: inout State, _ match: NodeSection.Match, _ now: Double) {
        let revision = local.revision
        if state.own.map({ revision != $0.revision || now - $0.since >= Self.freshness }) ?? true {
            let own = local.description
            if own.sequence != state.own?.sequence {
                state.fleet.set(Host(local: own))
                recorder?.took(.own(own), state.fleet, at: now)
            }
            state.own = (own.sequence, revision, now)
        }
        if state.fleet.match != match {
            state.fleet.match = match
            recorder?.took(.match(match), state.fleet, at: now)
        }
    }

    func sent(_ tier: String, to host: NodeID) {
        state.withLock { state in
            state.fleet.sent(tier, to: host)
            recorder?.took(.sent(tier: tier, host), state.fleet, at: Uptime.seconds)
        }
    }

    /// - Returns: whether the tier is out there from now on.
    func ended(_ tier: String, on host: NodeID, _ outcome: Fleet.Outcome) -> Bool {
        let now = Uptime.seconds
        return state.withLock { state in
            let isOut = state.fleet.ended(tier, on: host, outcome, at: now)
            recorder?.took(.ended(tier: tier, host, outcome, isOut: isOut), state.fleet, at: now)
            return isOut
        }
    }

    // MARK: Retries

    func retried() {
        let now = Uptime.seconds
        state.withLock { $0.budget.retried(at: now) }
    }

    /// What keeps a request from another host, if there is one; nil where that may be asked.
    func hindrance(_ attempts: Attempts, after outcome: Attempts.Outcome) -> Attempts.Hindrance? {
        let now = Uptime.seconds
        return state.withLock { attempts.hindrance(after: outcome, $0.budget, at: now) }
    }
}
