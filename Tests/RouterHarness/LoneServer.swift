import NIOCore
import NIOPosix
package import Wire

/// A server over a router of a test's own, on one event loop, so that what one request holds up holds up the next.
package struct LoneServer: Sendable {
    private let server: Server
    private let group: MultiThreadedEventLoopGroup

    /// - Parameter port: 0 takes any free one.
    /// - Throws: what the system says when the port cannot be had.
    package init(_ router: any RequestRouter, port: Int = 0) async throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        server = try await Server.start(host: "127.0.0.1", port: port, router: router, group: group)
    }

    package var port: Int { server.port }

    package func stop() async {
        await server.stop(grace: .milliseconds(100))
        try? await group.shutdownGracefully()
    }
}
