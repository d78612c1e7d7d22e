import NIOCore
import NIOPosix
package import Wire

/// A server over a router of a test's own, on one event loop, so that what one request holds up holds up the next.
package struct LoneServer: Sendable {
    private let server: Server
    private let group: MultiThreadedEventLoopGroup
    private let isPlain: Bool

    /// - Parameters:
    ///   - port: 0 takes any free one.
    ///   - tls: the server's certificate; nil speaks plain HTTP.
    /// - Throws: what the system says when the port cannot be had.
    package init(
        _ router: any RequestRouter, port: Int = 0, limits: RequestLimits = .init(), tls: TLSIdentity? = nil
    ) async throws {
        isPlain = tls == nil
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        server = try await Server.start(
            host: "127.0.0.1", port: port, router: router, limits: limits, tls: tls, group: group)
    }

    package var port: Int { server.port }

    package func stop() async {
        await server.stop(grace: .milliseconds(100))
        // A farewell of TLS may still wait for its answer on the loop, which must not be gone by then.
        if isPlain { try? await group.shutdownGracefully() }
    }
}
