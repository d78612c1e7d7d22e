package import NIOCore
package import NIOPosix

/// TCP for streams of few and small packets, such as a ping a second or a word now and then.
///
/// TCP doubles the time to its next try with each packet that is lost again: of a network that loses one in five, silence
/// of seconds is made within minutes, and looks like a death. For a stream with hardly anything on its way Linux can leave
/// the time as it is for the first six tries. Nobody's network is any fuller for that.
package enum ThinStreams {
    #if os(Linux)
        /// TCP_THIN_LINEAR_TIMEOUTS of linux/tcp.h. Only Linux has it.
        package static let option: NIOBSDSocket.Option? = NIOBSDSocket.Option(rawValue: 16)
    #else
        package static let option: NIOBSDSocket.Option? = nil
    #endif
}

extension ClientBootstrap {
    /// Has the connection try again soon: see ``ThinStreams``.
    package func forThinStreams() -> ClientBootstrap {
        ThinStreams.option.map { channelOption(.tcpOption($0), value: 1) } ?? self
    }
}

extension ServerBootstrap {
    /// The same for the connections that are accepted.
    package func forThinStreams() -> ServerBootstrap {
        ThinStreams.option.map { childChannelOption(.tcpOption($0), value: 1) } ?? self
    }
}
