import NIOCore
import NIOHTTP1

/// A connection to an upstream server: one request at a time, kept for the next one where the server allows it.
///
/// Reads stop while the call's receiver takes no more, so that a slow client slows the upstream and nothing piles up.
final class UpstreamConnection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    let endpoint: Endpoint
    private let pool: UpstreamPool
    private var context: ChannelHandlerContext?
    /// Nil while idle.
    private var call: UpstreamCall?
    private var readIsHeld = false
    private var sentWholeRequest = false
    private var keepAlive = true
    /// The reply is whole. Its call hears of it at the end of the read: what else that read brings is nobody's reply,
    /// and then the connection is not fit for another request.
    private var replyIsWhole = false

    init(endpoint: Endpoint, pool: UpstreamPool) {
        self.endpoint = endpoint
        self.pool = pool
    }

    var isUsable: Bool { context?.channel.isActive ?? false }
    var isWritable: Bool { context?.channel.isWritable ?? false }

    // MARK: From the call

    func begin(_ call: UpstreamCall, _ head: HTTPRequestHead) {
        self.call = call
        sentWholeRequest = false
        keepAlive = true
        send(.head(head))
    }

    func send(_ bytes: ByteBuffer) { send(.body(.byteBuffer(bytes))) }

    func finish() {
        sentWholeRequest = true
        send(.end(nil))
        context?.flush()
    }

    func flush() { context?.flush() }

    /// Ends the call; what the upstream still computes for it is thrown away with the connection.
    func abandon() {
        call = nil
        replyIsWhole = false
        context?.closeAtOnce()
    }

    /// Ends an idle connection in order.
    func closeIdle() { context?.close(promise: nil) }

    func resumeReading() {
        guard readIsHeld else { return }
        readIsHeld = false
        context?.read()
    }

    private func send(_ part: HTTPClientRequestPart) {
        context?.write(wrapOutboundOut(part), promise: nil)
    }

    // MARK: From the channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func read(context: ChannelHandlerContext) {
        if let call, !call.receiverTakesMore { readIsHeld = true } else { context.read() }
    }

    /// Bytes have come that the decoder has not read yet.
    func bytesArrived() {
        if let call {
            call.replyBegins()
        } else {
            // Nobody asked for them.
            context?.closeAtOnce()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let call, !replyIsWhole else {
            keepAlive = false
            return
        }
        switch unwrapInboundIn(data) {
        case .head(let head) where head.status == .switchingProtocols:
            fail("it changed the protocol, which nobody asked for")
            context.close(promise: nil)
        case .head(let head):
            keepAlive = head.isKeepAlive
            call.received(head)
        case .body(let bytes): call.received(bytes)
        case .end: replyIsWhole = true
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if replyIsWhole { endCall() } else { call?.readCompleted() }
        context.fireChannelReadComplete()
    }

    private func endCall() {
        guard let call else { return }
        self.call = nil
        replyIsWhole = false
        if keepAlive, sentWholeRequest, isUsable {
            pool.release(self)
        } else {
            context?.close(promise: nil)
        }
        call.ended()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { call?.becameWritable() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        pool.forget(self)
        fail("closed by the other side")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(TLSReason.text(of: error) ?? "\(error)")
        context.close(promise: nil)
    }

    private func fail(_ reason: String) {
        guard let call else { return }
        if replyIsWhole {
            keepAlive = false
            return endCall()
        }
        self.call = nil
        call.broke(reason, on: self)
    }
}
