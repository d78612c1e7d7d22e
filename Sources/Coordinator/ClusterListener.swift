import NIOCore
import NIOPosix
package import Wire

/// The port at which other hosts reach this one.
package struct ClusterListener: Sendable {
    private let server: Server
    private let drainSeconds: Int
    /// For people.
    package let address: String

    package struct CannotListen: Error, CustomStringConvertible {
        package let description: String
    }

    /// Listens on all addresses of both families; on a host without IPv6 on those of IPv4.
    ///
    /// - Parameter tls: what it shows and how it verifies clients' certificates; nil for plain HTTP.
    /// - Throws: ``CannotListen``.
    package static func start(
        router: any RequestRouter, profile: ServingProfile, port: Int, tls: TLSIdentity? = nil
    ) async throws(CannotListen) -> ClusterListener {
        var reason = ""
        for host in ["::", "0.0.0.0"] {
            do {
                let server = try await Server.start(
                    host: host, port: port, router: router, limits: profile.limits,
                    connectTimeout: .seconds(Int64(profile.connectSeconds)), tls: tls,
                    group: MultiThreadedEventLoopGroup.singleton)
                return ClusterListener(
                    server: server, drainSeconds: profile.drainSeconds,
                    address: host == "::" ? "[::]:\(server.port)" : "\(host):\(server.port)")
            } catch {
                reason = (error as? IOError).map { errnoText($0.errnoCode) } ?? "\(error)"
            }
        }
        throw CannotListen(
            description: "cannot listen on port \(port) for the cluster: \(reason)\n"
                + "  fix: see who has it (ss -ltnp); LLMSTACK_CLUSTER_PORT takes another")
    }

    /// Takes no new connections; those that are open go on.
    package func stopListening() async { await server.stopListening() }

    /// Lets requests in hand finish, for a while.
    ///
    /// - Parameter begin: when that while began.
    package func stop(since begin: ContinuousClock.Instant = .now) async {
        let left = .seconds(drainSeconds) - (ContinuousClock.now - begin)
        await server.stop(grace: TimeAmount(max(left, .zero)))
    }
}
