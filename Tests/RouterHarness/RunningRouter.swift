import Cluster
package import Coordinator
package import Foundation
import Logging
import NIOCore
import NIOPosix
package import Wire

/// A router of this process, over a scripted upstream.
package struct RunningRouter: Sendable {
    package let server: Server
    package let upstream: ScriptedUpstream
    /// Keeps the port of an upstream that is down from everybody else.
    private let reserved: Socket?

    /// - Parameters:
    ///   - ini: path of a models.ini; nil for none.
    ///   - node: what a profile's routes about the node are answered from.
    ///   - access: lets in who belongs to a cluster with keys.
    ///   - tls: for a listener of such a cluster.
    ///   - hosted: answers for hosted tiers.
    ///   - upstreamIsDown: nothing listens where the router looks for llama-swap.
    ///   - upstreamPort: of an upstream of the test's own, in place of the scripted one.
    package init(
        ini: URL? = nil, environment: [String: String] = [:], upstreamIsDown: Bool = false,
        upstreamPort: Int? = nil, limits: RequestLimits = .init(), profile: ServingProfile = .singleHost,
        node: NodeRoutes? = nil, access: AccessRoutes? = nil, tls: TLSIdentity? = nil,
        hosted: (any HostedBackend)? = nil, answer: @escaping ScriptedUpstream.Answer = ScriptedUpstream.ok
    ) async throws {
        upstream = try ScriptedUpstream(answer)
        let down = upstreamIsDown ? try Socket.reserved() : nil
        reserved = down?.socket
        var catalog = Catalog()
        if let ini { catalog = try Catalog.parse(String(contentsOf: ini, encoding: .utf8), file: ini.path) }
        let rules = RoutingRules(
            try RoutingTable(catalog: catalog) { environment[$0] },
            local: Sighting(
                id: NodeID("local"), name: "test", host: "127.0.0.1",
                port: down?.port ?? upstreamPort ?? upstream.port))
        let router = StackRouter(
            rules: rules, profile: profile, node: node, access: access, hosted: hosted,
            modelsINI: ini?.path ?? "/nonexistent/models.ini",
            hostGuard: LoopbackGuard(hostName: "studio.example", allowedHosts: "allowed.example"),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        server = try await Server.start(
            host: "127.0.0.1", port: 0, router: router, limits: limits, tls: tls,
            group: MultiThreadedEventLoopGroup.singleton)
    }

    /// - Parameter milliseconds: until what is not finished is cut.
    package func stop(grace milliseconds: Int64 = 100) async {
        await server.stop(grace: .milliseconds(milliseconds))
        upstream.stop()
    }
}

extension RunningRouter {
    package var port: Int { server.port }

    /// Waits until the router takes no new connection. Its port may be somebody else's by then: what counts is that a
    /// request does not come through.
    package func takesNobodyNew() async -> Bool {
        await eventually {
            guard let socket = try? Socket(port: port) else { return true }
            let target = "/probe-\(UUID().uuidString)"
            socket.send("GET \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            _ = socket.receive(seconds: 1)
            return !upstream.requests.contains { $0.target == target }
        }
    }

    /// Sends bytes over a new connection and returns what comes back until it ends.
    package func exchange(_ bytes: [UInt8], seconds: Double = 60) throws -> [UInt8] {
        let socket = try Socket(port: port)
        socket.send(bytes)
        return try socket.read(seconds: seconds)
    }

    package func exchange(_ text: String, seconds: Double = 60) throws -> [UInt8] {
        try exchange(Array(text.utf8), seconds: seconds)
    }
}

/// Waits until a condition holds, looking every few milliseconds.
///
/// - Returns: whether it came to hold in time.
package func eventually(within seconds: Double = 60, _ condition: () -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while !condition() {
        if ContinuousClock.now > end { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return true
}

/// Waits for what blocks on a thread of its own: tasks that it depends on may need every thread of the pool.
package func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result(catching: body)) }.start()
    }
}
