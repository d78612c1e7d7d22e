import NIOCore
import Synchronization

/// What all connections of a server share.
final class ServerShared: Sendable {
    let router: any RequestRouter
    let limits: RequestLimits
    /// The server's certificate; nil speaks plain HTTP.
    let tls: TLSIdentity?
    /// Open connections, and bytes of request bodies held for routing.
    let connections = Atomic<Int>(0)
    let bodyBytes = Atomic<Int>(0)
    private let mostInUse = Atomic<Int>(0)

    init(router: any RequestRouter, limits: RequestLimits, tls: TLSIdentity?) {
        self.router = router
        self.limits = limits
        self.tls = tls
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
    private var handshakes: [ObjectIdentifier: Handshake] = [:]
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
            for handshake in Array(state.handshakes.values) where now >= handshake.deadline {
                handshake.giveUp("the TLS handshake was not over in time")
            }
        }
    }

    func add(_ handshake: Handshake) { handshakes[ObjectIdentifier(handshake)] = handshake }

    func remove(_ handshake: Handshake) { handshakes[ObjectIdentifier(handshake)] = nil }

    private func endHandshakes() {
        for handshake in Array(handshakes.values) { handshake.giveUp("the server stops") }
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
        endHandshakes()
        for connection in Array(connections.values) { connection.drain() }
        if connections.isEmpty { promise.succeed() }
        return promise.futureResult
    }

    /// Ends what is left.
    func stop() {
        endHandshakes()
        for connection in Array(connections.values) { connection.cut() }
        pool.close()
        sweep?.cancel()
    }
}
