import Cluster
import Coordinator
import Logging
import Node
import Wire

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Puts the parts together. The only file that knows a single host from a cluster: it hands the coordinator the nodes
/// it may use and the profile to serve by.
///
/// A single host is a cluster of one: one fixed sighting, the local node's llama-swap, and
/// ``ServingProfile/singleHost``.
struct Assembly {
    let settings: RouterSettings
    let profile = ServingProfile.singleHost

    init(_ settings: RouterSettings) { self.settings = settings }

    private var localNode: Sighting {
        Sighting(
            id: NodeID("local"), name: hostName(), host: settings.llamaSwap.host, port: settings.llamaSwap.port,
            prefix: settings.llamaSwap.prefix)
    }

    func router(_ table: RoutingTable, log: Logger) -> StackRouter {
        StackRouter(
            table: table, profile: profile, local: localNode, modelsINI: settings.work.modelsINI,
            hostGuard: LoopbackGuard(hostName: hostName(), allowedHosts: settings.allowedHosts), log: log)
    }

    func service(_ router: StackRouter, log: Logger) -> RouterService {
        RouterService(router: router, profile: profile, host: settings.host, port: settings.port, log: log)
    }
}

/// As the system has it; empty when it has none.
private func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
