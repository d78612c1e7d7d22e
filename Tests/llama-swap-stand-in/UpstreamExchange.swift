import NIOCore
import NIOHTTP1
import NIOPosix

/// One request to a llama-server on this host, on a connection of its own, and its reply as it comes.
final class UpstreamExchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    enum Event {
        case head(HTTPResponseHead)
        case body(ByteBuffer)
        case end
        /// The connection could not be made or broke before the reply was complete.
        case lost
    }

    private let head: HTTPRequestHead
    private let body: ByteBuffer
    private var deliver: ((Event) -> Void)?
    private var channel: (any Channel)?

    /// - Parameter deliver: called on `loop`; `.end` or `.lost` is the last event.
    init(
        _ head: HTTPRequestHead, body: ByteBuffer, port: Int, on loop: any EventLoop,
        deliver: @escaping (Event) -> Void
    ) {
        self.head = head
        self.body = body
        self.deliver = deliver
        let bound = NIOLoopBound(self, eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(.seconds(10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .assumeIsolated()
            .whenFailure { _ in self.finish(.lost) }
    }

    /// The status of a GET, or nil where nothing answers.
    static func status(of path: String, port: Int, on loop: any EventLoop, _ report: @escaping (Int?) -> Void) {
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: path, headers: ["host": "localhost:\(port)", "connection": "close"])
        var status: Int?
        _ = UpstreamExchange(head, body: ByteBuffer(), port: port, on: loop) { event in
            switch event {
            case .head(let head): status = Int(head.status.code)
            case .body: break
            case .end, .lost: report(status)
            }
        }
    }

    /// Drops the request: its client is gone.
    func cancel() {
        deliver = nil
        channel?.close(promise: nil)
    }

    /// Stops and resumes reading, for a client that reads slowly.
    func setReading(_ isReading: Bool) {
        channel?.setOption(.autoRead, value: isReading).whenComplete { _ in }
    }

    func channelActive(context: ChannelHandlerContext) {
        guard deliver != nil else { return context.close(promise: nil) }
        channel = context.channel
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if body.readableBytes > 0 { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): deliver?(.head(head))
        case .body(let bytes): deliver?(.body(bytes))
        case .end:
            finish(.end)
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { finish(.lost) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.lost)
        context.close(promise: nil)
    }

    private func finish(_ event: Event) {
        let last = deliver
        deliver = nil
        last?(event)
    }
}
