import NIOCore
import NIOSSL

extension ChannelHandlerContext {
    /// Ends the connection now, whatever waits in it. Over TLS without the farewell, for which the other side would have to
    /// read what waits: it sees that the end is none in order.
    func closeAtOnce() {
        let tls = try? pipeline.syncOperations.context(handlerType: NIOSSLHandler.self)
        (tls ?? self).close(promise: nil)
    }
}
