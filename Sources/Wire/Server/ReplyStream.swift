package import NIOCore

/// A reply that its maker writes bit by bit, such as server-sent events. Used on the connection's event loop only.
package final class ReplyStream {
    package let loop: any EventLoop
    private weak var connection: ServerConnection?
    private let exchange: Int
    private var whenClientLeaves: (() -> Void)?
    package private(set) var isOpen = true

    init(_ connection: ServerConnection, _ exchange: Int, loop: any EventLoop) {
        self.loop = loop
        self.connection = connection
        self.exchange = exchange
    }

    /// Whether the client takes more now. Who writes on regardless fills this host's memory.
    package var takesMore: Bool { isOpen && (connection?.takesMore ?? false) }

    package func send(_ bytes: ByteBuffer) {
        if isOpen { connection?.emit(bytes, exchange) }
    }

    /// The reply is complete.
    package func end() {
        guard isOpen else { return }
        isOpen = false
        connection?.endEmission(exchange)
    }

    /// What to do once when the client goes, or the server stops: at once where the stream is over already.
    package func onClientLeft(_ action: @escaping () -> Void) {
        if isOpen { whenClientLeaves = action } else { action() }
    }

    func clientLeft() {
        guard isOpen else { return }
        isOpen = false
        whenClientLeaves?()
        whenClientLeaves = nil
    }
}
