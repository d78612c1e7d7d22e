package import Cluster
import Wire

/// Where the two daemons of this host listen.
package struct Endpoints: Equatable, Sendable {
    /// llama-swap is for this host only, so its place is fixed.
    package static let llamaSwapListen = "127.0.0.1:10102"
    package static let llamaSwapPort = 10102
    package static let defaultRouterPort = 10101

    /// The address that the router binds.
    package var routerHost: String
    package var routerPort: Int
    /// Whether the router is a gateway to another host's.
    package var isGateway = false

    /// Of a gateway: on loopback, since it lets everybody in who reaches it.
    ///
    /// - Parameter port: the project's, which opencode.json has as well.
    package init(gatewayPort port: Int) {
        routerHost = "127.0.0.1"
        routerPort = port
        isGateway = true
    }

    /// For verbs that nothing may keep from their work, `stop` first of all: what cannot be used counts as left out.
    ///
    /// - Parameters:
    ///   - environment: `ROUTER_HOST` and `ROUTER_PORT` come first.
    ///   - routerPort: of models.ini's `[DEFAULT]`, which is also where opencode.json points.
    package init(environment: [String: String], routerPort iniPort: String? = nil) {
        let host = environment["ROUTER_HOST"] ?? ""
        routerHost = host.isEmpty ? "127.0.0.1" : host
        routerPort = Self.port(environment["ROUTER_PORT"]) ?? Self.port(iniPort) ?? Self.defaultRouterPort
    }

    /// - Parameter defaults: of models.ini, which has been checked.
    /// - Throws: ``StackFailure`` where `ROUTER_PORT` holds no port.
    package init(checking environment: [String: String], _ defaults: ServerDefaults = .init()) throws(StackFailure) {
        if let text = environment["ROUTER_PORT"], !text.isEmpty, Self.port(text) == nil {
            throw StackFailure(
                "ROUTER_PORT=\(text.printable()) is no port",
                advice: "fix: give a number from 1 to 65535, such as 10101, or unset it")
        }
        self.init(environment: environment, routerPort: defaults.routerPort)
    }

    private static func port(_ text: String?) -> Int? {
        text.flatMap { Int($0) }.flatMap { (1...65535).contains($0) ? $0 : nil }
    }

    package func port(_ kind: DaemonKind) -> Int {
        switch kind {
        case .llamaSwap: Self.llamaSwapPort
        case .router: routerPort
        }
    }

    /// The address to talk to: one that this host can reach even where the daemon binds all of them.
    package func host(_ kind: DaemonKind) -> String {
        switch (kind, routerHost) {
        case (.llamaSwap, _), (.router, "0.0.0.0"), (.router, "localhost"): "127.0.0.1"
        case (.router, "::"): "::1"
        case (.router, let host): host
        }
    }

    package func base(_ kind: DaemonKind) -> String {
        let host = host(kind)
        return "http://\(host.contains(":") ? "[\(host)]" : host):\(port(kind))"
    }

    /// What answers as soon as the daemon serves.
    package func readiness(_ kind: DaemonKind) -> String {
        switch kind {
        case .llamaSwap: "\(base(kind))/health"
        case .router where isGateway: "\(base(kind))\(GatewayReport.path)"
        case .router: "\(base(kind))/models.ini"
        }
    }

    /// Whether other hosts reach the router, past everything that a cluster would check.
    package var routerIsExposed: Bool {
        !(routerHost.hasPrefix("127.") || routerHost == "localhost" || routerHost == "::1")
    }
}
