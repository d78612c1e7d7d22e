package import NIOCore
import NIOHTTP1
import NIOPosix

/// The upstream connections of one event loop. Idle ones are kept until either side closes them.
package final class UpstreamPool {
    /// Idle connections kept to one endpoint: enough for a burst, few enough for llama-swap's descriptors.
    private static let idleLimit = 64
    /// Bytes that may wait for an upstream before its client is no longer read.
    private static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 256 << 10)

    /// Bytes that the kernel holds for an upstream. A body goes out in portions of this size, each at its own turn of
    /// the event loop: with more, a large one would keep every other connection waiting for milliseconds.
    private static let kernelBuffer = 256 << 10

    package let loop: any EventLoop
    private let connectTimeout: TimeAmount
    private var idle: [Endpoint: [UpstreamConnection]] = [:]

    package init(loop: any EventLoop, connectTimeout: TimeAmount) {
        self.loop = loop
        self.connectTimeout = connectTimeout
    }

    /// An idle connection to the endpoint, the one used last first: it is the least likely to be closed.
    func takeIdle(_ endpoint: Endpoint) -> UpstreamConnection? {
        while let connection = idle[endpoint]?.popLast() {
            if connection.isUsable { return connection }
        }
        return nil
    }

    func connect(to endpoint: Endpoint, _ done: @escaping (Result<UpstreamConnection, any Error>) -> Void) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        var bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(connectTimeout)
            .forThinStreams()
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.writeBuffer)
            .channelOption(.socketOption(.so_sndbuf), value: Self.kernelBuffer)
            .channelOption(.writeSpin, value: 1)
        if !endpoint.isTLS {
            bootstrap = bootstrap.channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { _ = try bound.value.install(on: channel, endpoint) }
            }
        }
        let connected: EventLoopFuture<any Channel>
        if let address = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) {
            connected = bootstrap.connect(to: address)
        } else {
            connected = bootstrap.connect(host: endpoint.host, port: endpoint.port)
        }
        connected.assumeIsolated().whenComplete { result in
            switch (result, endpoint.security) {
            case (.failure(let error), _): done(.failure(error))
            case (.success(let channel), .plain):
                done(Result { try channel.pipeline.syncOperations.handler(type: UpstreamConnection.self) })
            case (.success(let channel), .tls(let identity, let expected)):
                Handshake.open(channel, as: identity, expected: expected, within: self.connectTimeout) { outcome in
                    done(
                        Result {
                            _ = try outcome.get()
                            return try self.install(on: channel, endpoint)
                        })
                }
            }
        }
    }

    private func install(on channel: any Channel, _ endpoint: Endpoint) throws -> UpstreamConnection {
        let pipeline = channel.pipeline.syncOperations
        let connection = UpstreamConnection(endpoint: endpoint, pool: self)
        try pipeline.addHandler(ReplyNotice(connection))
        try pipeline.addHandler(HTTPRequestEncoder(configuration: HTTPRequestEncoder.Configuration()))
        try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
        try pipeline.addHandler(connection)
        return connection
    }

    func release(_ connection: UpstreamConnection) {
        guard idle[connection.endpoint, default: []].count < Self.idleLimit else {
            connection.closeIdle()
            return
        }
        idle[connection.endpoint, default: []].append(connection)
    }

    func forget(_ connection: UpstreamConnection) {
        idle[connection.endpoint]?.removeAll { $0 === connection }
    }

    /// Closes what is idle.
    func close() {
        let connections = idle.values.flatMap { $0 }
        idle = [:]
        for connection in connections { connection.closeIdle() }
    }
}

/// Tells a connection of bytes before they are decoded: part of a reply's head is a reply, too.
private final class ReplyNotice: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: UpstreamConnection

    init(_ connection: UpstreamConnection) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.bytesArrived()
        context.fireChannelRead(data)
    }
}
