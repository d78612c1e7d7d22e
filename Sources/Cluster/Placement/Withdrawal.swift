/// Whether a request that waits at a host is better off at another.
///
/// It goes on, while nothing of its reply has come (``Attempts`` says how often),
/// 1. from a host that has fallen silent to one that could begin with it at once: three seconds later the silent one is
///    known to be down, or is heard again, and that is sooner than anything else would be;
/// 2. from a host where the tier's load has failed or takes too long, to any that can be asked;
/// 3. from the line that it stands in to a host that lets it in at once, and is expected to serve it sooner: by
///    ``leastSaving`` and by ``leastShare`` of what it would take where it is, for expectations are not exact. So a line
///    empties as others become free, and never into another line that may turn out to be the slower one.
package enum Withdrawal {
    /// Seconds.
    package static let leastSaving = 2.0
    /// Of the seconds that are expected where it is.
    package static let leastShare = 0.2

    /// Why a request leaves a host.
    package enum Reason: Equatable, Sendable {
        /// 1
        case silent
        /// 2
        case failed
        /// 3, and the seconds that are saved.
        case shorterWait(saving: Double)

        /// Whether its host may be at work on it, so that it is done twice: then it costs of the ``RetryBudget``.
        package var isFault: Bool {
            if case .shorterWait = self { false } else { true }
        }

        /// For people, after the host's name.
        package var text: String {
            switch self {
            case .silent: "has fallen silent"
            case .failed: "does not get the model loaded"
            case .shorterWait(let saving): "has a line, and the wait is \(Int(saving.rounded())) s shorter"
            }
        }
    }
}

extension Fleet {
    /// The host that a request should leave the one for that it waits at, and why; nil where it is well where it is.
    ///
    /// - Parameters:
    ///   - request: its ``AdmissionRequest/id``, by which the host tells of it.
    ///   - work: with the tier that it waits for.
    ///   - left: hosts that it has been to before.
    package func withdrawal(
        of request: String, _ work: Workload, from host: NodeID, except left: [NodeID], at now: Double
    ) -> (to: Verdict, why: Withdrawal.Reason)? {
        guard let lanes = lanes[work.tier], let here = lanes.first(where: { $0.host == host }) else { return nil }
        let isSilent = here.standing.health == .suspect
        let wait = here.report.waiting.first { $0.request == request }?.seconds
        guard isSilent || here.standing.state == .failed || wait != nil,
            let other = cheapest(lanes, work, left + [host], now), other.host.health == .up
        else { return nil }
        // 1
        if isSilent { return other.cost.queue == 0 && other.cost.load == 0 ? (other, .silent) : nil }
        // 2
        guard here.standing.state != .failed, let wait else { return (other, .failed) }
        // 3
        guard other.inHand < other.slots + TierAdmission.extraInFlight else { return nil }
        var cost = CostModel.cost(of: work, here.standing, at: now)
        (cost.queue, cost.load) = (wait, 0)
        let saving = cost.total - other.cost.total
        let least = max(Withdrawal.leastSaving, Withdrawal.leastShare * cost.total)
        return saving >= least ? (other, .shorterWait(saving: saving)) : nil
    }
}
