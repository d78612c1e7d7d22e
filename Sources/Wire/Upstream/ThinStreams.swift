package import NIOCore
package import NIOPosix

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// TCP for streams of few and small packets, such as a ping a second or a word now and then.
///
/// TCP doubles the time to its next try with each packet that is lost again, and takes what was late for a slow network: of
/// one that loses one in five, silence of seconds is made within minutes, and of half a minute now and then, which looks like
/// a death. Linux can leave the time as it is for the first six tries of a stream with hardly anything on its way, and can
/// be told the longest time. Nobody's network is any fuller for that.
package enum ThinStreams {
    /// Milliseconds between two tries, at most. Linux gives a connection up after 15 of them: after half a minute in which
    /// nothing at all is confirmed, in place of a quarter of an hour.
    package static let longestWait = 2000

    /// What of it this system has.
    package static let options: [(option: NIOBSDSocket.Option, value: Int)] = known.filter { isTaken($0, $1) }

    #if os(Linux)
        /// TCP_THIN_LINEAR_TIMEOUTS, and TCP_RTO_MAX_MS (since 6.15), of linux/tcp.h.
        private static let known: [(NIOBSDSocket.Option, Int)] = [
            (NIOBSDSocket.Option(rawValue: 16), 1), (NIOBSDSocket.Option(rawValue: 44), longestWait),
        ]
    #else
        private static let known: [(NIOBSDSocket.Option, Int)] = []
    #endif

    private static func isTaken(_ option: NIOBSDSocket.Option, _ value: Int) -> Bool {
        #if os(Linux)
            let socket = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #else
            let socket = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var value = CInt(value)
        return setsockopt(
            socket, CInt(IPPROTO_TCP), option.rawValue, &value, socklen_t(MemoryLayout.size(ofValue: value))) == 0
    }
}

extension ClientBootstrap {
    /// Has the connection try again soon: see ``ThinStreams``.
    package func forThinStreams() -> ClientBootstrap {
        ThinStreams.options.reduce(self) { $0.channelOption(.tcpOption($1.option), value: $1.value) }
    }
}

extension ServerBootstrap {
    /// The same for the connections that are accepted.
    package func forThinStreams() -> ServerBootstrap {
        ThinStreams.options.reduce(self) { $0.childChannelOption(.tcpOption($1.option), value: $1.value) }
    }
}
