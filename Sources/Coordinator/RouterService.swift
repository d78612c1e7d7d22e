package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
package import Wire

/// Runs a router until it is told to stop.
package struct RouterService: Service {
    /// The address cannot be listened on.
    package struct CannotListen: Error, CustomStringConvertible {
        package let description: String
    }

    private let router: any RequestRouter
    private let profile: ServingProfile
    private let host: String
    private let port: Int
    private let log: Logger

    package init(router: any RequestRouter, profile: ServingProfile, host: String, port: Int, log: Logger) {
        self.router = router
        self.profile = profile
        self.host = host
        self.port = port
        self.log = log
    }

    package func run() async throws {
        let server: Server
        do {
            server = try await Server.start(
                host: host, port: port, router: router, limits: profile.limits,
                connectTimeout: .seconds(Int64(profile.connectSeconds)), group: MultiThreadedEventLoopGroup.singleton)
        } catch {
            let reason = (error as? IOError).map { errnoText($0.errnoCode) } ?? "\(error)"
            throw CannotListen(
                description: "cannot listen on \(host):\(port): \(reason)\n"
                    + "  fix: llmstack status shows who has the port; ROUTER_PORT takes another")
        }
        log.notice("listening on http://\(host):\(server.port)")
        try? await gracefulShutdown()
        log.notice("stopping; requests in hand have \(profile.drainSeconds) s to finish")
        await server.stop(grace: .seconds(Int64(profile.drainSeconds)))
    }
}
