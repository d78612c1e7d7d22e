/// The hosts that one request has been to, and whether it may go to another.
///
/// 1. At most ``limit`` hosts are asked.
/// 2. None is asked twice (``tried``).
/// 3. Another is asked where a host gave no reply, or said that it cannot now: 429, 502, 503. Every other reply is the
///    client's.
/// 4. Not once an upstream's byte has gone to the client: it cannot be taken back. Comments and notes of the router's own do
///    not count.
/// 5. Not for another node's router: what that has placed is served here or refused.
/// 6. After a fault only while the router's ``RetryBudget`` lasts. A refusal (429) costs nothing: its host has done nothing.
/// 7. A host may also be left before it has failed (``Withdrawal``), ``withdrawalLimit`` times, and not for one that was left
///    or failed before. Rules 4, 5 and 6 hold for that, too.
package struct Attempts: Equatable, Sendable {
    /// Hosts that are asked for one request.
    package static let limit = 2
    /// Hosts that one request leaves for a better one.
    package static let withdrawalLimit = 2

    /// What became of the request at a host.
    package enum Outcome: Equatable, Sendable {
        /// Refused, reset, or silent for too long.
        case noReply
        case status(Int)

        /// Whether another host may do better.
        package var isPassing: Bool {
            switch self {
            case .noReply: true
            case .status(let status): [429, 502, 503].contains(status)
            }
        }

        /// Whether asking again costs of the ``RetryBudget``.
        package var isFault: Bool { self != .status(429) }
    }

    /// Why no other host may be asked, by the rule that says so.
    package enum Hindrance: Equatable, Sendable {
        /// 4
        case committed
        /// 5
        case placedElsewhere
        /// 1
        case limit
        /// 3: the reply is the client's.
        case answered
        /// 6
        case budget
    }

    /// Hosts that failed at the request, in turn.
    package private(set) var tried: [NodeID] = []
    /// Hosts that it left for a better one, in turn.
    package private(set) var left: [NodeID] = []
    /// Whether an upstream's byte has gone to the client.
    package private(set) var isCommitted = false
    /// By another node's router, here.
    package let isPlacedElsewhere: Bool

    package init(isPlacedElsewhere: Bool = false) { self.isPlacedElsewhere = isPlacedElsewhere }

    /// Number of the attempt under way, from 1.
    package var number: Int { tried.count + left.count + 1 }

    /// What keeps the request from another host, if there is one; nil where that may be asked.
    ///
    /// - Parameters:
    ///   - budget: what is left for retries at this moment.
    ///   - now: seconds, on the budget's clock.
    package func hindrance(after outcome: Outcome, _ budget: RetryBudget, at now: Double) -> Hindrance? {
        // 4
        guard !isCommitted else { return .committed }
        // 5
        guard !isPlacedElsewhere else { return .placedElsewhere }
        // 3
        guard outcome.isPassing else { return .answered }
        // 1
        guard tried.count + 1 < Self.limit else { return .limit }
        // 6
        return outcome.isFault && !budget.allowsRetry(at: now) ? .budget : nil
    }

    /// Whether another host may be asked, if there is one.
    ///
    /// - Parameters:
    ///   - budget: what is left for retries at this moment.
    ///   - now: seconds, on the budget's clock.
    package func mayAskAnother(after outcome: Outcome, _ budget: RetryBudget, at now: Double) -> Bool {
        hindrance(after: outcome, budget, at: now) == nil
    }

    /// 7
    package var mayBeWithdrawn: Bool { !isCommitted && !isPlacedElsewhere && left.count < Self.withdrawalLimit }

    /// The request leaves a host that failed, for another.
    package mutating func passedBy(_ host: NodeID) { tried.append(host) }

    /// The request leaves a host that did not fail, for a better one.
    package mutating func withdrawn(from host: NodeID) { left.append(host) }

    /// A reply begins to go to the client.
    package mutating func commit() { isCommitted = true }
}
