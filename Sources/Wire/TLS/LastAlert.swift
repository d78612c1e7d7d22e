import NIOCore

/// Lets a client whose handshake failed read the alert that says why: a close at once, with bytes of it unread here, is a
/// reset, which overtakes the alert. Stands between TLS and the socket for as long as there is a handshake.
final class LastAlert: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let handshake: Handshake
    private let lingering: TimeAmount
    private var isLingering = false

    init(_ handshake: Handshake, lingering: TimeAmount) {
        self.handshake = handshake
        self.lingering = lingering
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all, handshake.hasFailed, !isLingering, context.channel.isActive else {
            return context.close(mode: mode, promise: promise)
        }
        isLingering = true
        context.close(mode: .output, promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: lingering) { context.close(promise: promise) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isLingering { context.fireChannelRead(data) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if !isLingering { context.fireUserInboundEventTriggered(event) }
    }
}
