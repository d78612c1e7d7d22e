import ArgumentParser
import Cluster
import Coordinator
import Foundation
import Logging
import Node
import ServiceLifecycle
import UnixSignals

/// `llmstack router`: the router alone, in the foreground. `start` runs it as a daemon.
struct Router: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the router in the foreground, until SIGTERM or SIGINT.",
        discussion: """
            It listens on ROUTER_HOST:ROUTER_PORT (127.0.0.1:10101), asks the llama-swap at LLAMA_SWAP_URL \
            (http://127.0.0.1:10102), and reads $LLMSTACK_MODELS_INI, else .llmstack/models.ini. SIGHUP reads that \
            file again. In a project that uses a cluster with keys it is the gateway to that cluster's routers. Logs go to standard error; LOG_LEVEL sets how much (debug, info, warning, error).
            """)

    func run() async throws {
        OpenFileLimit.raise()
        let settings = try RouterSettings()
        var log = Logger(label: "llmstack.router") { _ in LineLog(level: settings.logLevel) }
        log.logLevel = settings.logLevel
        if let gateway = try Gateway(settings.work) {
            return try await GatewayStack(settings, gateway, log: log).run()
        }
        let (table, hasFile) = try settings.routingTable()
        if !hasFile {
            log.warning("no \(settings.work.modelsINI): every model name goes to llama-swap as it is")
        }
        let files = ClusterFiles(environment: ProcessInfo.processInfo.environment)
        if settings.listensBeyondLoopback {
            if try files.cluster()?.security == .keys { throw ExposedRouter(settings.host) }
            log.warning("\(settings.host) can be reached from other machines, and this router asks nobody for a key")
        }
        let assembly = Assembly(settings, usesNext: table.usesNext, log: log)
        let rules = assembly.rules(table)
        let router = assembly.router(rules, log: log)
        let membership = ClusterSwitch(
            assembly, router, rules, files, log: log)
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: Listeners(loopback: assembly.service(router, log: log), cluster: membership)),
                    .init(
                        service: ModelsINIReloader(settings: settings, rules: rules, membership: membership, log: log)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.quiet))
        try await group.run()
    }

    /// What ServiceLifecycle says of its own work is of no use to people who read the log.
    static var quiet: Logger { Logger(label: "llmstack.lifecycle") { _ in SwiftLogNoOpLogHandler() } }
}

/// Where the router is asked: on loopback, and in a cluster from other hosts. One service, since services stop one after
/// the other: both take nobody new at once and share the time for requests in hand, which `stop` waits for.
private struct Listeners: Service {
    let loopback: RouterService
    let cluster: ClusterSwitch

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await loopback.run() }
            group.addTask { try await cluster.run() }
            // Where one of them cannot go on, the other ends.
            while try await group.next() != nil {}
        }
    }
}

/// Reads models.ini again on SIGHUP. A file with a fault changes nothing.
private struct ModelsINIReloader: Service {
    let settings: RouterSettings
    let rules: RoutingRules
    let membership: ClusterSwitch
    let log: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                let table = try settings.routingTable().table
                rules.use(table)
                membership.use(table.catalog)
                log.notice("read \(settings.work.modelsINI) again")
            } catch {
                log.error("kept the old routing: \(error)")
            }
        }
    }
}
