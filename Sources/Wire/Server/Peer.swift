package import Cluster
import NIOCore
import Synchronization

/// Who is at the other end of a server's connection. One object for each connection, used on its event loop.
package final class Peer {
    /// The client's IP address without a zone; empty when it is not known. An IPv4 address is written as one even where it
    /// came to an IPv6 socket.
    package private(set) lazy var address: String = Self.text(of: remote)
    /// What the client's certificate says; nil without TLS or without a certificate.
    package let identity: PeerIdentity?
    /// What the router gave the request that is being answered; set in ``RequestRouter/admit(_:from:)``.
    package var pass: (any ExchangePass)?
    /// Of the reply to that request, once its head goes out; 0 before.
    var status = 0
    /// Ends the connection from anywhere.
    package let handle: ConnectionHandle

    private let remote: SocketAddress?

    init(_ channel: any Channel, identity: PeerIdentity?) {
        remote = channel.remoteAddress
        self.identity = identity
        handle = ConnectionHandle(channel)
    }

    /// The exchange in hand is over: tells its pass, once.
    func endExchange() {
        defer { status = 0 }
        guard let pass else { return }
        self.pass = nil
        pass.exchangeEnded(status: status)
    }

    private static func text(of address: SocketAddress?) -> String {
        guard let text = address?.ipAddress else { return "" }
        let bare = text.prefix { $0 != "%" }
        let mapped = "::ffff:"
        return String(bare.hasPrefix(mapped) && bare.contains(".") ? bare.dropFirst(mapped.count) : bare)
    }
}

/// What a router holds for one exchange, such as a place among a client's requests in flight.
package protocol ExchangePass: AnyObject {
    /// The exchange is over: its reply is complete and the next request may come, or its connection has ended. Called once,
    /// on the connection's event loop.
    ///
    /// - Parameter status: of the reply that went out; 0 where none did.
    func exchangeEnded(status: Int)
}

/// Ends one connection, from any thread. It does not keep the connection.
package final class ConnectionHandle: Sendable {
    private struct Weak: Sendable {
        weak var channel: (any Channel)?
    }

    private let connection: Mutex<Weak>

    init(_ channel: any Channel) { connection = Mutex(Weak(channel: channel)) }

    /// Closes the connection at once and abandons its exchange; does nothing where it has ended.
    package func cut() {
        guard let channel = connection.withLock({ $0.channel }) else { return }
        channel.eventLoop.execute {
            let pipeline = channel.pipeline.syncOperations
            (try? pipeline.handler(type: ServerConnection.self))?.cut()
        }
    }
}

extension ConnectionHandle: Hashable {
    package static func == (one: ConnectionHandle, other: ConnectionHandle) -> Bool { one === other }

    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
