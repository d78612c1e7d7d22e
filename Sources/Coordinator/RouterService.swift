package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
package import Wire

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Runs a router until it is told to stop.
package struct RouterService: Service {
    /// The address cannot be listened on.
    package struct CannotListen: Error, CustomStringConvertible {
        package let description: String

        fileprivate init(_ host: String, _ port: Int, _ error: any Error) {
            var reason = "\(error)"
            var fix = "llmstack status shows who has the port; ROUTER_PORT takes another"
            let mendsHost = "set ROUTER_HOST to an address of this host, or unset it"
            if let error = error as? IOError {
                reason = errnoText(error.errnoCode)
                if error.errnoCode == EADDRNOTAVAIL || error.errnoCode == EINVAL { fix = mendsHost }
            } else if let error = error as? SocketAddressError.UnknownHost {
                (reason, fix) = (error.errorDescription.lowercased(), mendsHost)
            }
            description = "cannot listen on \(host):\(port): \(reason)\n  fix: \(fix)"
        }
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
            throw CannotListen(host, port, error)
        }
        log.notice("listening on http://\(host):\(server.port)")
        try? await gracefulShutdown()
        log.notice("stopping; requests in hand have \(profile.drainSeconds) s to finish")
        await server.stop(grace: .seconds(Int64(profile.drainSeconds)))
    }
}
