import NIOCore
import Synchronization

/// What all connections of a server share.
final class ServerShared: Sendable {
    let router: any RequestRouter
    let limits: RequestLimits
    /// Open connections, and bytes of request bodies held for routing.
    let connections = Atomic<Int>(0)
    let bodyBytes = Atomic<Int>(0)
    private let mostInUse = Atomic<Int>(0)

    init(router: any RequestRouter, limits: RequestLimits) {
        self.router = router
        self.limits = limits
    }

    /// About: what large bodies and many connections use.
    private var bytesInUse: Int {
        bodyBytes.load(ordering: .relaxed) + connections.load(ordering: .relaxed) * SpareMemory.perConnection
    }

    /// To be called where that has become more.
    func noteUse() {
        let now = bytesInUse
        if now > mostInUse.load(ordering: .relaxed) { mostInUse.max(now, ordering: .relaxed) }
    }

    /// - Returns: the most of it since this was asked last.
    func takeMostInUse() -> Int { mostInUse.exchange(bytesInUse, ordering: .relaxed) }
}

/// What the connections of one event loop share: its upstream connections, and one clock that ends what takes too long.
final class ServerLoop {
    let shared: ServerShared
    let pool: UpstreamPool
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    private var sweep: RepeatedTask?
    private(set) var isDraining = false
    private var whenEmpty: EventLoopPromise<Void>?

    init(loop: any EventLoop, shared: ServerShared, connectTimeout: TimeAmount) {
        self.shared = shared
        pool = UpstreamPool(loop: loop, connectTimeout: connectTimeout)
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: pool.loop)
        // Deadlines and waits are seconds long, so they need not be kept to the second: one timer serves all connections.
        sweep = pool.loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            let state = bound.value
            let now = NIODeadline.now()
            for connection in state.connections.values { connection.secondPassed(now) }
        }
    }

    func add(_ connection: ServerConnection) { connections[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: ServerConnection) {
        connections[ObjectIdentifier(connection)] = nil
        if connections.isEmpty { whenEmpty?.succeed() }
    }

    /// Lets requests in hand finish and closes everything else.
    func drain() -> EventLoopFuture<Void> {
        isDraining = true
        let promise = whenEmpty ?? pool.loop.makePromise(of: Void.self)
        whenEmpty = promise
        for connection in Array(connections.values) { connection.drain() }
        if connections.isEmpty { promise.succeed() }
        return promise.futureResult
    }

    /// Ends what is left.
    func stop() {
        for connection in Array(connections.values) { connection.cut() }
        pool.close()
        sweep?.cancel()
    }
}
