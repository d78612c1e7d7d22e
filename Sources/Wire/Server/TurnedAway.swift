import NIOCore

/// A connection beyond the limit: it is told so, and ends.
final class TurnedAway: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// At once; those beyond these are closed without a word, so that a flood costs no memory.
    static let limit = 64

    private let limits: RequestLimits

    init(_ limits: RequestLimits) { self.limits = limits }

    func handlerAdded(context: ChannelHandlerContext) {
        // Over TLS the channel has long been active.
        if context.channel.isActive { speak(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        speak(context)
        context.fireChannelActive()
    }

    private func speak(_ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(Self.reply(limits)), promise: nil)
        context.flush()
        // What the client sends is read and thrown away for a while: a reset would overtake the reply.
        context.close(mode: .output, promise: nil)
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Int64(limits.lingerSeconds))) {
            context.closeAtOnce()
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private static func reply(_ limits: RequestLimits) -> ByteBuffer {
        let reply = OpenAIError(
            503, "overloaded", "There are \(limits.connections) connections already, as many as are taken at once.",
            retryAfter: 1
        ).reply
        var text = "HTTP/1.1 503 Service Unavailable\r\n"
        for (name, value) in reply.head.fields.headers { text += "\(name): \(value)\r\n" }
        text += "content-length: \(reply.body.readableBytes)\r\nconnection: close\r\n\r\n"
        var bytes = ByteBuffer(string: text)
        bytes.writeImmutableBuffer(reply.body)
        return bytes
    }
}
