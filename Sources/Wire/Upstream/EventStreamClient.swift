import Cluster
import NIOCore
import NIOHTTP1
import NIOPosix

/// Subscribes to a server's events: `text/event-stream` over HTTP/1.1.
package struct EventStreamClient: Sendable {
    /// Why there are no events, or no more.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        /// No connection could be made.
        case unreachable(String)
        /// No reply began in time.
        case timedOut
        /// Another status than 200.
        case status(Int)
        /// A reply that is no stream of events; its content type.
        case noEvents(String)
        /// An event is longer than this many bytes.
        case tooLong(Int)
        /// The connection broke, or what came over it was not HTTP.
        case broken(String)

        package var description: String {
            switch self {
            case .unreachable(let reason): "no connection (\(reason))"
            case .timedOut: "no reply in time"
            case .status(let status): "status \(status)"
            case .noEvents(let type): type.isEmpty ? "no stream of events" : "no stream of events, but \(type)"
            case .tooLong(let limit): "an event of more than \(limit) bytes"
            case .broken(let reason): "the connection broke (\(reason))"
            }
        }
    }

    private let endpoint: Endpoint
    private let path: String
    private let fields: Fields
    private let timeout: Duration
    private let eventLimit: Int

    /// - Parameters:
    ///   - path: with `/` in front; the endpoint's prefix is put before it.
    ///   - fields: sent beside `Host` and `Accept`.
    ///   - timeout: until a reply begins, the connecting included. After that silence is no failure here.
    ///   - eventLimit: bytes that an event may have.
    package init(
        endpoint: Endpoint, path: String, fields: Fields = Fields(), timeout: Duration = .seconds(2),
        eventLimit: Int = 1 << 20
    ) {
        self.endpoint = endpoint
        self.path = path
        self.fields = fields
        self.timeout = timeout
        self.eventLimit = eventLimit
    }

    /// Connects, and yields the events until the server ends the stream.
    ///
    /// The sequence is for one loop over it. It throws ``Failure``, or CancellationError when its task is cancelled; the
    /// connection is closed as soon as nobody takes events any more. While the taker is slow, the server is not read.
    package func events() -> EventStream {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let session = NIOLoopBoundBox<EventStreamSession?>.makeEmptyBox(eventLoop: loop)
        let made = EventStream.Producer.makeSequence(
            elementType: ServerSentEvent.self, failureType: (any Error).self,
            backPressureStrategy: .init(lowWatermark: 4, highWatermark: 16), finishOnDeinit: true,
            delegate: EventStream.Taker(loop: loop, session: session))
        let source = made.source
        var headers = HTTPHeaders([("host", endpoint.authority), ("accept", "text/event-stream")])
        for field in fields.headers { headers.replaceOrAdd(name: field.name, value: field.value) }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: endpoint.prefix + path, headers: headers)
        let (endpoint, timeout, eventLimit) = (endpoint, TimeAmount(timeout), eventLimit)
        loop.execute {
            let opened = EventStreamSession(head, source: source, eventLimit: eventLimit)
            session.value = opened
            opened.open(endpoint, within: timeout, on: loop)
        }
        return EventStream(producer: made.sequence)
    }
}

/// The events of one subscription.
package struct EventStream: AsyncSequence, Sendable {
    fileprivate typealias Producer = NIOThrowingAsyncSequenceProducer<
        ServerSentEvent, any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, Taker
    >

    fileprivate let producer: Producer

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let events: Producer.AsyncIterator

        package func next() async throws -> ServerSentEvent? { try await events.next() }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(events: producer.makeAsyncIterator()) }

    /// Whoever loops over the events, as the session hears of them.
    fileprivate struct Taker: NIOAsyncSequenceProducerDelegate {
        let loop: any EventLoop
        let session: NIOLoopBoundBox<EventStreamSession?>

        func produceMore() {
            loop.execute { session.value?.resume() }
        }

        func didTerminate() {
            loop.execute {
                session.value?.stop()
                session.value = nil
            }
        }
    }
}

/// One subscription's connection, on its event loop.
private final class EventStreamSession: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let source: EventStream.Producer.Source
    private var parser: EventStreamParser
    private let eventLimit: Int
    private var context: ChannelHandlerContext?
    private var deadline: Scheduled<Void>?
    private var takesMore = true
    private var readIsHeld = false
    private var isOver = false

    init(_ head: HTTPRequestHead, source: EventStream.Producer.Source, eventLimit: Int) {
        self.head = head
        self.source = source
        self.eventLimit = eventLimit
        parser = EventStreamParser(limit: eventLimit)
    }

    func open(_ endpoint: Endpoint, within timeout: TimeAmount, on loop: any EventLoop) {
        deadline = loop.assumeIsolated().scheduleTask(in: timeout) { self.end(.timedOut) }
        let bound = NIOLoopBound(self, eventLoop: loop)
        var bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .forThinStreams()
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        if !endpoint.isTLS {
            bootstrap = bootstrap.channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.install(on: channel) }
            }
        }
        let connected =
            if let address = try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port) {
                bootstrap.connect(to: address)
            } else {
                bootstrap.connect(host: endpoint.host, port: endpoint.port)
            }
        connected.assumeIsolated().whenComplete { result in
            switch (result, endpoint.security) {
            case (.failure(let error), _): self.end(.unreachable(UpstreamCall.describe(error)))
            case (.success, .plain): break
            case (.success(let channel), .tls(let identity, let expected)):
                self.secure(channel, identity, expected, within: timeout)
            }
        }
    }

    private func secure(
        _ channel: any Channel, _ identity: TLSIdentity, _ expected: NodeID?, within timeout: TimeAmount
    ) {
        // The taker may have left while the connection was being made.
        guard !isOver else { return channel.close(promise: nil) }
        Handshake.open(channel, as: identity, expected: expected, within: timeout) { outcome in
            do {
                _ = try outcome.get()
                try self.install(on: channel)
                self.ask()
            } catch {
                self.end(.unreachable(UpstreamCall.describe(error)))
            }
        }
    }

    private func install(on channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
        try pipeline.addHandler(self)
    }

    // MARK: From the taker

    func resume() {
        takesMore = true
        guard readIsHeld else { return }
        readIsHeld = false
        context?.read()
    }

    func stop() { end(nil, atOnce: true) }

    // MARK: From the channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        ask()
        context.fireChannelActive()
    }

    private func ask() {
        guard let context else { return }
        // The taker may have left while the connection was being made.
        guard !isOver else { return context.close(promise: nil) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if takesMore { context.read() } else { readIsHeld = true }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): replied(head)
        case .body(let bytes): received(bytes)
        case .end: end(nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.broken("closed by the other side"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.broken(UpstreamCall.describe(error)))
        context.close(promise: nil)
    }

    private func replied(_ head: HTTPResponseHead) {
        guard head.status == .ok else {
            // Something that comes before the reply, such as 103.
            if head.status.code >= 200 || head.status == .switchingProtocols { end(.status(Int(head.status.code))) }
            return
        }
        let type = head.headers.first(name: "content-type") ?? ""
        guard type.lowercased().hasPrefix("text/event-stream") else { return end(.noEvents(type)) }
        deadline?.cancel()
    }

    private func received(_ bytes: ByteBuffer) {
        do {
            let events = try parser.feed(bytes.readableBytesView)
            guard !events.isEmpty else { return }
            if case .stopProducing = source.yield(contentsOf: events) { takesMore = false }
        } catch {
            end(.tooLong(eventLimit))
        }
    }

    /// - Parameters:
    ///   - failure: nil ends the events as the server or the taker wished.
    ///   - atOnce: whatever the server still has to say.
    private func end(_ failure: EventStreamClient.Failure?, atOnce: Bool = false) {
        guard !isOver else { return }
        isOver = true
        deadline?.cancel()
        if let failure { source.finish(failure) } else { source.finish() }
        if atOnce || failure != nil { context?.closeAtOnce() } else { context?.close(promise: nil) }
    }
}
