import Cluster
import Coordinator
import Foundation
import Logging
import Node
import Wire

/// Puts the parts together: hands the coordinator the nodes it may use and the profile to serve by, on a single host and
/// in a cluster.
///
/// A single host is a cluster of one: one fixed sighting, the local node's llama-swap, and
/// ``ServingProfile/singleHost``.
struct Assembly {
    let settings: RouterSettings
    let profile = ServingProfile.singleHost
    /// Answers for hosted tiers, for every router of this process.
    let hosted: BedrockBackend

    init(_ settings: RouterSettings, usesNext: Bool, log: Logger) {
        self.settings = settings
        let environment = ProcessInfo.processInfo.environment
        hosted = BedrockBackend(
            transport: CurlMulti(), credentials: CredentialStore(.host(environment: environment), log: log),
            usesNext: usesNext, environment: environment, log: log)
    }

    private var localNode: Sighting {
        Sighting(
            id: NodeID("local"), name: hostName(), host: settings.llamaSwap.host, port: settings.llamaSwap.port,
            prefix: settings.llamaSwap.prefix)
    }

    func rules(_ table: RoutingTable) -> RoutingRules { RoutingRules(table, local: localNode) }

    /// The router on loopback.
    func router(_ rules: RoutingRules, log: Logger) -> StackRouter { router(rules, profile, nil, log: log) }

    /// What other hosts talk to: the same decisions, for what this host lends.
    ///
    /// - Parameter access: who is let in; nil in an open cluster.
    func listener(
        _ rules: RoutingRules, _ routes: NodeRoutes, _ access: AccessRoutes?, log: Logger
    ) -> StackRouter {
        router(rules, access == nil ? .clusterListener : .keyedListener, routes, access, log: log)
    }

    private func router(
        _ rules: RoutingRules, _ profile: ServingProfile, _ node: NodeRoutes?, _ access: AccessRoutes? = nil,
        log: Logger
    ) -> StackRouter {
        StackRouter(
            rules: rules, profile: profile, node: node, access: access, hosted: hosted,
            modelsINI: settings.work.modelsINI,
            hostGuard: LoopbackGuard(hostName: hostName(), allowedHosts: settings.allowedHosts), log: log)
    }

    /// - Parameter name: by which the cluster let this host in; nil takes the host's own.
    /// - Throws: where models.ini cannot be read.
    func agent(_ cluster: ClusterIdentity, _ id: NodeID, name: String?, log: Logger) throws -> NodeAgent {
        let table = try settings.routingTable().table
        return NodeAgent(
            identity: .init(
                id: id, hostName: name ?? ClusterContext.label(of: hostName()), cluster: cluster,
                version: LLMStack.version, epoch: UInt64(Date().timeIntervalSince1970 * 1000)),
            catalog: table.catalog, usesNext: table.usesNext, llamaSwap: settings.llamaSwap, hosted: hosted,
            environment: ProcessInfo.processInfo.environment, log: log)
    }

    func service(_ router: StackRouter, log: Logger) -> RouterService {
        RouterService(router: router, profile: profile, host: settings.host, port: settings.port, log: log)
    }
}

/// As the system has it; empty when it has none.
func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
