import Cluster
import Coordinator
import Foundation
import Logging
import NIOCore
import NIOPosix
import Sockets
import Wire

/// A router of this process, over a scripted upstream.
struct RunningRouter {
    let server: Server
    let upstream: ScriptedUpstream

    /// - Parameters:
    ///   - ini: path of a models.ini; nil for none.
    ///   - upstreamIsDown: nothing listens where the router looks for llama-swap.
    init(
        ini: URL?, environment: [String: String] = [:], upstreamIsDown: Bool = false, limits: RequestLimits = .init(),
        answer: @escaping ScriptedUpstream.Answer = ScriptedUpstream.ok
    ) async throws {
        upstream = try ScriptedUpstream(answer)
        if upstreamIsDown { upstream.stop() }
        var catalog = Catalog()
        if let ini { catalog = try Catalog.parse(String(contentsOf: ini, encoding: .utf8), file: ini.path) }
        let router = StackRouter(
            table: try RoutingTable(catalog: catalog) { environment[$0] }, profile: .singleHost,
            local: Sighting(id: NodeID("local"), name: "test", host: "127.0.0.1", port: upstream.port),
            modelsINI: ini?.path ?? "/nonexistent/models.ini",
            hostGuard: LoopbackGuard(hostName: "studio.example", allowedHosts: "allowed.example"),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        server = try await Server.start(
            host: "127.0.0.1", port: 0, router: router, limits: limits, group: MultiThreadedEventLoopGroup.singleton)
    }

    func stop() async {
        await server.stop(grace: .milliseconds(100))
        upstream.stop()
    }
}
