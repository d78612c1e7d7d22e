package import Cluster
import Synchronization
import Wire

/// Says who may ask what at the listener of a cluster with keys.
///
/// 1. A node is who its certificate says; the handshake has verified that. It may use the routes between nodes.
/// 2. A thin client shows its key. It may use tiers, and see what there is.
/// 3. Whoever was revoked is neither, from the moment when this host hears of it; what they have under way ends then.
/// 4. Others are told nothing but that: 401. After ``failureLimit`` wrong keys a minute an address waits (429), whatever it
///    brings that does not fit.
/// 5. A key's limits count its requests for tiers.
package final class Doorkeeper: Sendable {
    /// What a gateway asks for to see that a router is there.
    private static let lifeSign = "/llmstack/v1/cluster"
    /// Wrong keys a minute from one address.
    static let failureLimit = 10
    /// Strangers a minute that are written down: a flood of them must not drive out what members did.
    private static let strangersNoted = 60

    private struct State {
        var set: AccessSet
        var traffic = KeyTraffic()
        var failures = FailedTries(limit: failureLimit)
        var strangers = MinuteWindow()
        /// The connections that each has a request on, and how many.
        var open: [String: [ConnectionHandle: Int]] = [:]
    }

    private let state: Mutex<State>
    private let keyed: @Sendable (String, AccessSet) -> AccessEntry?
    private let note: @Sendable (() -> AuditRecord) -> Void

    /// - Parameters:
    ///   - keyed: whose key that is, revoked or not; nil for no key of the set's.
    ///   - note: keeps who did what. Both are called on event loops: they must not block.
    package init(
        _ set: AccessSet, keyed: @escaping @Sendable (_ bearer: String, AccessSet) -> AccessEntry?,
        note: @escaping @Sendable (() -> AuditRecord) -> Void = { _ in }
    ) {
        state = Mutex(State(set: set))
        self.keyed = keyed
        self.note = note
    }

    package var set: AccessSet { state.withLock { $0.set } }

    /// Goes by what this set says, too, from now on, and cuts off who is revoked. Sets that are read at about the same time
    /// may come in any order: an older one takes nothing back.
    ///
    /// - Returns: whether that was news.
    @discardableResult
    package func use(_ set: AccessSet) -> Bool {
        let (isNews, cut) = state.withLock { state in
            let changed = state.set.merge(set)
            let known = state.set
            return (!changed.isEmpty, state.open.filter { known.isRevoked($0.key) }.values.flatMap(\.keys))
        }
        // 3
        for handle in cut { handle.cut() }
        return isNews
    }

    // MARK: A request

    /// - Parameters:
    ///   - route: what method and path mean here; nil where they mean nothing.
    /// - Returns: the visit, for the connection to end; or what to answer.
    func admit(
        _ head: RequestHead, _ route: ServingProfile.Route?, from peer: Peer
    ) -> Result<Visit, OpenAIError> {
        switch identify(head, peer) {
        case .failure(let error):
            turnedAway(head, route, peer, "", error.status)
            return .failure(error)
        case .success(let visitor):
            guard let route else {
                return .failure(OpenAIError(404, "not_found", "\(head.method) \(head.path) is not served here."))
            }
            guard visitor.isNode || route.isForClients else {
                turnedAway(head, route, peer, visitor.id, 403)
                return .failure(
                    OpenAIError(403, "forbidden", "\(head.path) is for nodes of the cluster, not for keys."))
            }
            let visit = Visit(visitor, peer, action: String(head.path), isCounted: route.asksTier, self)
            if let refusal = enter(visit) {
                turnedAway(head, route, peer, visitor.id, refusal.status)
                return .failure(refusal)
            }
            return .success(visit)
        }
    }

    private func identify(_ head: RequestHead, _ peer: Peer) -> Result<Visit.Visitor, OpenAIError> {
        // As it is now: to look at a key takes a while, in which nobody else is to wait. Later news counts as it enters.
        let set = set
        // 1
        if let identity = peer.identity {
            let id = identity.node.description
            if set.isRevoked(id) { return .failure(Self.stranger("This node was revoked.")) }
            return .success(.node(identity, name: set[id]?.name ?? id))
        }
        // 2
        guard let credential = head.fields["authorization"] else {
            return .failure(Self.stranger("A key is needed: Authorization: Bearer lms_…"))
        }
        if let entry = entry(credential, in: set) {
            return entry.revoked == nil ? .success(.client(entry)) : .failure(Self.stranger("This key was revoked."))
        }
        // 4
        let (address, now) = (peer.address, Uptime.seconds)
        let wait = state.withLock { state in
            let wait = state.failures.wait(address, at: now)
            if wait == nil { state.failures.failed(address, at: now) }
            return wait
        }
        if let seconds = wait {
            return .failure(
                OpenAIError(
                    429, "rate_limit_exceeded", "Too many wrong keys from this address.", retryAfter: seconds))
        }
        return .failure(Self.stranger("No such key is known here."))
    }

    private func entry(_ credential: String, in set: AccessSet) -> AccessEntry? {
        let words = credential.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return keyed(String(words[1]), set)
    }

    static func stranger(_ message: String) -> OpenAIError { OpenAIError(401, "invalid_api_key", message) }

    private func enter(_ visit: Visit) -> OpenAIError? {
        state.withLock { state in
            let id = visit.visitor.id
            // It may have been revoked since it was looked up.
            if state.set.isRevoked(id) { return Self.stranger("This key or node was revoked.") }
            // 5
            if visit.isCounted, case .client(let entry) = visit.visitor,
                let refusal = state.traffic.enter(id, entry.limits, at: Uptime.seconds)
            {
                return Self.error(of: refusal)
            }
            state.open[id, default: [:]][visit.handle, default: 0] += 1
            return nil
        }
    }

    private static func error(of refusal: KeyTraffic.Refusal) -> OpenAIError {
        switch refusal {
        case .tooManyAtOnce(let limit):
            OpenAIError(
                429, "rate_limit_exceeded", "This key has \(limit) requests under way, as many as it may.",
                retryAfter: 1)
        case .tooManyAMinute(let limit, let seconds):
            OpenAIError(
                429, "rate_limit_exceeded", "This key has had its \(limit) requests a minute.", retryAfter: seconds)
        }
    }

    func left(_ visit: Visit, _ record: AuditRecord) {
        state.withLock { state in
            let id = visit.visitor.id
            if visit.isCounted, !visit.visitor.isNode { state.traffic.leave(id) }
            let rest = (state.open[id]?[visit.handle] ?? 1) - 1
            state.open[id]?[visit.handle] = rest > 0 ? rest : nil
            if state.open[id]?.isEmpty == true { state.open[id] = nil }
        }
        // Nodes ask each other all the time, and gateways every few seconds whether they are there: what is done for
        // clients counts.
        let isProbe = visit.visitor.isNode || record.action == Self.lifeSign
        if visit.isCounted || !isProbe { note { record } }
    }

    private func turnedAway(
        _ head: RequestHead, _ route: ServingProfile.Route?, _ peer: Peer, _ actor: String, _ status: Int
    ) {
        let isNoted =
            !actor.isEmpty
            || state.withLock { state in
                let now = Uptime.seconds
                guard state.strangers.count(at: now) < Self.strangersNoted else { return false }
                state.strangers.add(at: now)
                return true
            }
        guard isNoted else { return }
        note {
            AuditRecord(
                time: WallClock.now, actor: actor, address: peer.address,
                action: route == nil ? "other" : String(head.path).printable(64), status: status)
        }
    }
}

extension ServingProfile.Route {
    /// Whether thin clients may use it: tiers, and what there is.
    var isForClients: Bool {
        switch self {
        case .completion, .inference, .modelList, .modelsINI, .roster, .explain: true
        case .node, .nodeEvents, .drain, .access, .join, .renew, .reloadAccess: false
        }
    }

    var asksTier: Bool {
        switch self {
        case .completion, .inference: true
        default: false
        }
    }
}
