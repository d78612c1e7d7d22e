package import Cluster
package import Logging
import Synchronization
package import Wire

/// What the requests of a gateway and its driver share: the book, the key, and who waits for a router.
package final class GatewayDesk: Sendable {
    private struct State {
        var book: GatewayBook
        var key: String
        var waiting: [Int: @Sendable () -> Void] = [:]
        var tickets = 0
        var budget = RetryBudget()
    }

    package let cluster: ClusterIdentity
    private let transport: ClusterTransport
    private let state: Mutex<State>
    private let log: Logger
    /// One element after something was put into the book that may call for a probe.
    let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - identity: takes nodes of the cluster and nobody else.
    ///   - key: what this host shows them.
    package init(
        _ cluster: ClusterIdentity, _ book: GatewayBook, identity: TLSIdentity, key: String, log: Logger
    ) {
        self.cluster = cluster
        transport = ClusterTransport(identity: identity) { _ in false }
        state = Mutex(State(book: book, key: key))
        self.log = log
        (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    var key: String { state.withLock { $0.key } }

    func endpoint(_ place: Place, _ node: NodeID) -> Endpoint { transport.endpoint(place, node) }

    // MARK: The book

    /// Changes the book, says what is new of it, and has those go on who wait for a router where there is one.
    @discardableResult
    func change<Result>(_ body: (inout GatewayBook) -> Result) -> Result {
        let (result, before, after, calls) = state.withLock { state in
            let before = (state.book.inUse, state.book.keyIsRefused)
            let result = body(&state.book)
            let after = (state.book.inUse, state.book.keyIsRefused)
            var calls: [@Sendable () -> Void] = []
            if after.0 != nil {
                calls = Array(state.waiting.values)
                state.waiting = [:]
            }
            return (result, before, after, calls)
        }
        tell(before, after)
        for call in calls { call() }
        return result
    }

    private func tell(_ before: (GatewayBook.Choice?, Bool), _ after: (GatewayBook.Choice?, Bool)) {
        if after.0 != before.0 {
            if let choice = after.0 {
                log.notice(
                    "using router \(choice.name) at \(Endpoint(host: choice.place.host, port: choice.place.port).authority)"
                )
            } else {
                log.warning("no router of the cluster \(cluster.name) answers")
            }
        }
        if after.1, !before.1 { log.error("\(Self.revoked)") }
    }

    static let revoked =
        "this host's key was revoked; ask for a new token, then llmstack install --external auto --token TOKEN"

    /// - Returns: whether it is another one than before.
    @discardableResult
    package func use(key: String, at now: Double) -> Bool {
        let isNew = state.withLock { state in
            guard state.key != key else { return false }
            state.key = key
            state.book.keyChanged(at: now)
            return true
        }
        if isNew { wake.yield() }
        return isNew
    }

    // MARK: Requests

    /// A request has come.
    func took() {
        let now = Uptime.seconds
        state.withLock { $0.budget.took(at: now) }
    }

    /// Whether another router may be asked for a request that one has had: then it counts as asked.
    func mayAskAgain() -> Bool {
        let now = Uptime.seconds
        return state.withLock { state in
            guard state.budget.allowsRetry(at: now) else { return false }
            state.budget.retried(at: now)
            return true
        }
    }

    /// - Returns: nil where no router answers that has not been tried.
    func choose(except tried: [NodeID]) -> GatewayBook.Choice? {
        let now = Uptime.seconds
        let choice = change { book in
            let choice = book.choose(except: tried, at: now)
            if choice == nil { book.wanted(at: now) }
            return choice
        }
        wake.yield()
        return choice
    }

    func failed(_ node: NodeID, isUnreachable: Bool) {
        change { $0.failed(node, isUnreachable: isUnreachable, at: Uptime.seconds) }
        wake.yield()
    }

    /// A request waits for its first word.
    func suspect(_ node: NodeID) {
        state.withLock { $0.book.suspected(node, at: Uptime.seconds) }
        wake.yield()
    }

    func isGone(_ node: NodeID) -> Bool { state.withLock { $0.book.isGone(node) } }

    /// Has `action` called once, when a router is there.
    func wait(_ action: @escaping @Sendable () -> Void) -> Int {
        let (ticket, isThere) = state.withLock { state in
            state.tickets += 1
            let isThere = state.book.inUse != nil
            if !isThere { state.waiting[state.tickets] = action }
            return (state.tickets, isThere)
        }
        if isThere { action() }
        return ticket
    }

    func waitNoMore(_ ticket: Int) { state.withLock { $0.waiting[ticket] = nil } }

    // MARK: Telling

    package var report: GatewayReport {
        state.withLock { state in
            GatewayReport(
                cluster: cluster,
                routers: state.book.listing { id, name, isUp, place, roundTrip, inUse in
                    GatewayReport.Router(
                        id: id, name: name, state: isUp.map { $0 ? .up : .silent } ?? .unknown,
                        url: place.map { "https://\(Endpoint(host: $0.host, port: $0.port).authority)" },
                        isInUse: inUse, roundTrip: roundTrip.map { $0 * 1000 })
                }, keyIsRefused: state.book.keyIsRefused)
        }
    }
}
