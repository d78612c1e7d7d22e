package import Cluster
import Synchronization
package import Wire

/// What a router knows of the cluster's hosts, for all its event loops: ``Fleet`` with a clock, kept up to date.
package final class FleetBook: Sendable {
    private struct State {
        var fleet: Fleet
        /// Of the local node's description in ``fleet``.
        var localSequence: UInt64?
        var budget = RetryBudget()
    }

    private let state: Mutex<State>
    private let local: any LocalNode
    private let clock = ContinuousClock()
    private let origin: ContinuousClock.Instant

    package init(local: any LocalNode, match: NodeSection.Match = .name) {
        state = Mutex(State(fleet: Fleet(match: match)))
        self.local = local
        origin = clock.now
    }

    /// Seconds of a clock that runs on while the host sleeps.
    package var now: Double { (clock.now - origin) / .seconds(1) }

    /// Another node looks otherwise now; nil: it is a member no more.
    package func changed(_ id: NodeID, _ member: Membership.Member?) {
        let (now, host) = (now, member.flatMap { Host($0) })
        state.withLock { state in
            if let host { state.fleet.set(host, at: now) } else { state.fleet.remove(id) }
        }
    }

    /// Rates that were known before this router started.
    package func remember(_ speed: TierSpeed, of tier: String, on host: NodeID, called name: String) {
        state.withLock { $0.fleet.remember(speed, of: tier, on: host, called: name) }
    }

    /// Asks the fleet, with the local host as it is at this moment.
    ///
    /// - Parameter match: `[NODE] match` of models.ini.
    func ask<Answer>(match: NodeSection.Match, _ question: (Fleet, Double) -> Answer) -> Answer {
        let (now, own) = (now, local.description)
        return state.withLock { state in
            if state.localSequence != own.sequence {
                state.fleet.set(Host(local: own), at: now)
                state.localSequence = own.sequence
            }
            state.fleet.match = match
            return question(state.fleet, now)
        }
    }

    func sent(_ tier: String, to host: NodeID) { state.withLock { $0.fleet.sent(tier, to: host) } }

    /// - Returns: whether the tier is out there from now on.
    func ended(_ tier: String, on host: NodeID, _ outcome: Fleet.Outcome) -> Bool {
        let now = now
        return state.withLock { $0.fleet.ended(tier, on: host, outcome, at: now) }
    }

    // MARK: Retries

    /// A request has come.
    func took() {
        let now = now
        state.withLock { $0.budget.took(at: now) }
    }

    func retried() {
        let now = now
        state.withLock { $0.budget.retried(at: now) }
    }

    func mayAskAnother(_ attempts: Attempts, after outcome: Attempts.Outcome) -> Bool {
        let now = now
        return state.withLock { attempts.mayAskAnother(after: outcome, $0.budget, at: now) }
    }
}
