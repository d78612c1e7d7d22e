import Cluster
package import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP/1.1 server in front of a ``RequestRouter``.
package final class Server: Sendable {
    /// Bytes that may wait for a client before its upstream is no longer read.
    private static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 256 << 10)
    /// Connections that the kernel holds until they are accepted.
    private static let backlog: CInt = 512

    private let listener: any Channel
    private let loops: [NIOLoopBound<ServerLoop>]
    private let housekeeping: RepeatedTask

    /// The port that it listens on.
    package let port: Int

    private init(listener: any Channel, loops: [NIOLoopBound<ServerLoop>], shared: ServerShared) {
        self.listener = listener
        self.loops = loops
        port = listener.localAddress?.port ?? 0
        let spare = NIOLoopBoundBox.makeBoxSendingValue(SpareMemory(), eventLoop: listener.eventLoop)
        housekeeping = listener.eventLoop.scheduleRepeatedTask(
            initialDelay: .seconds(Int64(SpareMemory.interval)), delay: .seconds(Int64(SpareMemory.interval))
        ) { _ in
            if spare.value.look(inUse: shared.takeMostInUse()) {
                NIOThreadPool.singleton.submit { _ in SpareMemory.giveBack() }
            }
        }
    }

    /// - Parameters:
    ///   - host: the address to listen on.
    ///   - port: 0 takes any free one.
    ///   - connectTimeout: how long an upstream may take to accept a connection, and as long again for TLS.
    ///   - tls: what the server shows of itself, with TLS 1.3 only; clients may show a certificate, which must be good
    ///     then. Nil speaks plain HTTP.
    /// - Throws: what the system says when the address cannot be had; ``TLSIdentity/Failure`` where `tls` has no certificate.
    package static func start(
        host: String, port: Int, router: any RequestRouter, limits: RequestLimits = .init(),
        connectTimeout: TimeAmount = .seconds(10), tls: TLSIdentity? = nil, group: any EventLoopGroup
    ) async throws -> Server {
        _ = try tls?.serverContext()
        let shared = ServerShared(router: router, limits: limits, tls: tls)
        var loops: [ObjectIdentifier: NIOLoopBound<ServerLoop>] = [:]
        do {
            for loop in group.makeIterator() {
                loops[ObjectIdentifier(loop)] = try await loop.submit {
                    let state = ServerLoop(loop: loop, shared: shared, connectTimeout: connectTimeout)
                    state.start()
                    return NIOLoopBound(state, eventLoop: loop)
                }.get()
            }
            let listener = try await listen(host, port, loops, group)
            return Server(listener: listener, loops: Array(loops.values), shared: shared)
        } catch {
            // Each has a timer, which would go on for as long as the loop does.
            for state in loops.values { state.eventLoop.execute { state.value.stop() } }
            throw error
        }
    }

    private static func listen(
        _ host: String, _ port: Int, _ states: [ObjectIdentifier: NIOLoopBound<ServerLoop>],
        _ group: any EventLoopGroup
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .forThinStreams()
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: writeBuffer)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let state = states[ObjectIdentifier(channel.eventLoop)]?.value else { return }
                    try configure(channel, state)
                }
            }
            .bind(host: host, port: port).get()
    }

    private static func configure(_ channel: any Channel, _ state: ServerLoop) throws {
        let open = state.shared.connections.add(1, ordering: .relaxed).newValue
        state.shared.noteUse()
        channel.closeFuture.whenComplete { [shared = state.shared] _ in
            shared.connections.subtract(1, ordering: .relaxed)
        }
        let limits = state.shared.limits
        guard open <= limits.connections + TurnedAway.limit else { return channel.close(promise: nil) }
        let isTurnedAway = open > limits.connections
        guard let tls = state.shared.tls else {
            return isTurnedAway
                ? try channel.pipeline.syncOperations.addHandler(TurnedAway(limits))
                : try serve(channel, state, identity: nil)
        }
        // Nobody is told of a handshake that fails: anyone can make any number of them.
        var begun: Handshake?
        let handshake = try Handshake.accept(
            channel, as: tls, within: .seconds(Int64(limits.headSeconds)),
            lingering: .seconds(Int64(limits.lingerSeconds))
        ) { outcome in
            if let begun { state.remove(begun) }
            begun = nil
            guard case .success(let identity) = outcome else { return }
            do {
                if isTurnedAway {
                    try channel.pipeline.syncOperations.addHandler(TurnedAway(limits))
                } else {
                    try serve(channel, state, identity: identity)
                }
            } catch {
                channel.close(promise: nil)
            }
        }
        begun = handshake
        state.add(handshake)
    }

    private static func serve(_ channel: any Channel, _ state: ServerLoop, identity: PeerIdentity?) throws {
        let pipeline = channel.pipeline.syncOperations
        let connection = ServerConnection(state, Peer(channel, identity: identity))
        var framing = HTTPResponseEncoder.Configuration()
        framing.automaticallySetFramingHeaders = false
        try pipeline.addHandler(ArrivalNotice(connection))
        try pipeline.addHandler(HTTPResponseEncoder(configuration: framing))
        var parsing = NIOHTTPDecoderLimitConfiguration()
        // What HeadRules refuses need not be held until it is whole; the target counts here too.
        parsing.maxHeaderListSize = state.shared.limits.head + state.shared.limits.target
        try pipeline.addHandler(
            ByteToMessageHandler(
                HTTPRequestDecoder(
                    leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop,
                    limitConfiguration: parsing)))
        try pipeline.addHandler(connection)
    }

    /// Takes no new connections; those that are open go on.
    package func stopListening() async { try? await listener.close().get() }

    /// Stops listening, lets the requests in hand finish, and ends what is not finished after `grace`.
    package func stop(grace: TimeAmount) async {
        await stopListening()
        await withTaskGroup(of: Void.self) { group in
            for state in loops { group.addTask { await Self.stop(state, grace: grace) } }
        }
        housekeeping.cancel()
    }

    private static func stop(_ state: NIOLoopBound<ServerLoop>, grace: TimeAmount) async {
        let loop = state.eventLoop
        let drained = loop.flatSubmit {
            let empty = state.value.drain()
            let ended = loop.makePromise(of: Void.self)
            let timer = loop.scheduleTask(in: grace) { ended.succeed() }
            empty.whenComplete { _ in
                timer.cancel()
                ended.succeed()
            }
            return ended.futureResult.map { state.value.stop() }
        }
        try? await drained.get()
    }
}

/// Tells a connection of bytes before they are decoded: a head that never ends must not go unnoticed.
private final class ArrivalNotice: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: ServerConnection

    init(_ connection: ServerConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.bytesArrived()
        context.fireChannelRead(data)
    }
}
