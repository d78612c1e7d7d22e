import Cluster
import Coordinator
import Discovery
import Foundation
import Logging
import Node
import ServiceLifecycle
import Trust
import UnixSignals

/// The router of a project that uses a cluster with keys: on loopback, without a stack of its own.
struct GatewayStack {
    private let settings: RouterSettings
    private let gateway: Gateway
    private let keys: KeyRing
    private let state: String
    private let log: Logger

    private struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    init(_ settings: RouterSettings, _ gateway: Gateway, log: Logger) {
        self.settings = settings
        self.gateway = gateway
        self.log = log
        let files = ClusterFiles(environment: ProcessInfo.processInfo.environment)
        keys = KeyRing(configuration: files.configuration)
        state = files.state
    }

    func run() async throws {
        guard !settings.listensBeyondLoopback else {
            throw Unusable(
                description: "ROUTER_HOST=\(settings.host) would lend this host's key to everybody who reaches it\n"
                    + "  fix: unset ROUTER_HOST")
        }
        let (access, key) = try access()
        let pin = gateway.pin
        let desk = GatewayDesk(
            pin.cluster, GatewayBook(preferred: pin.preferred), identity: access.identity, key: key, log: log)
        let router = GatewayRouter(
            desk, hostGuard: LoopbackGuard(hostName: hostName(), allowedHosts: settings.allowedHosts), log: log)
        let (news, feed) = AsyncStream.makeStream(of: GatewayNews.self)
        for memory in remembered() { feed.yield(.sighted(memory.node, name: memory.name, memory.places)) }
        if let place = SecureURL.place(pin.url) { feed.yield(.sighted(pin.router.id, name: pin.router.name, [place])) }
        let driver = GatewayDriver(desk) {
            (try? self.access())?.key
        } remember: {
            keep($0)
        }
        log.notice("gateway to the cluster \(pin.cluster.name)")
        let service = RouterService(
            router: router, profile: .gateway, host: settings.host, port: settings.port, log: log)
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: service), .init(service: Driving(driver: driver, news: news)),
                    .init(service: Listening(feed: feed, cluster: pin.cluster.id)),
                    .init(service: Rereading(feed: feed)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: Router.quiet))
        try await group.run()
    }

    /// - Throws: where this host has no key, or another authority than the pinned one.
    private func access() throws -> (ClusterAccess, key: String) {
        let cluster = gateway.pin.cluster
        let fix = "ask for a token, then llmstack install --external auto --token TOKEN"
        guard let access = try keys.access(to: cluster.id), let key = access.key else {
            throw Unusable(description: "this host has no key for the cluster \(cluster.name)\n  fix: \(fix)")
        }
        guard access.authority == gateway.pin.authority else {
            throw Unusable(
                description: "the authority that this host has of the cluster \(cluster.name) is not the one that the "
                    + "project was installed with\n  fix: \(fix)")
        }
        return (access, key.text)
    }

    // MARK: Memory

    private var memoryFile: String { "\(state)/gateway-\(gateway.pin.cluster.id).json" }

    private func remembered() -> [GatewayBook.Memory] {
        guard let data = FileManager.default.contents(atPath: memoryFile) else { return [] }
        return (try? JSONDecoder().decode([GatewayBook.Memory].self, from: data)) ?? []
    }

    private func keep(_ memory: [GatewayBook.Memory]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(memory) else { return }
        do { try AtomicFile.write(bytes: Array(data), to: memoryFile, mode: 0o600) } catch {
            log.warning("where the routers are is not remembered: \(error)")
        }
    }
}

private struct Driving: Service {
    let driver: GatewayDriver
    let news: AsyncStream<GatewayNews>

    func run() async throws { await cancelWhenGracefulShutdown { await driver.run(news) } }
}

/// Routers that announce themselves.
private struct Listening: Service {
    let feed: AsyncStream<GatewayNews>.Continuation
    let cluster: ClusterID

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let directory = SystemDirectory.make(environment: ProcessInfo.processInfo.environment, log: Router.quiet)
            // A name and host of an announcement, by which its end is told.
            var nodes: [[String]: NodeID] = [:]
            for await event in directory.browse(Advertisement.serviceType) {
                switch event {
                case .found(let service):
                    guard case .known(let advertisement) = Advertisement.read(service.text),
                        advertisement.cluster == cluster, advertisement.security == .keys
                    else { break }
                    if nodes.count < GatewayBook.capacity { nodes[[service.name, service.host]] = advertisement.node }
                    let places = service.addresses.map { Place(host: $0.text, port: service.port) }
                    feed.yield(
                        .sighted(advertisement.node, name: service.name.printable(RouterCandidate.nameLimit), places))
                case .lost(let id):
                    if let node = nodes.removeValue(forKey: [id.name, id.host]) { feed.yield(.lost(node)) }
                default: break
                }
            }
            directory.close()
        }
    }
}

/// SIGHUP: there may be a new key.
private struct Rereading: Service {
    let feed: AsyncStream<GatewayNews>.Continuation

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            feed.yield(.keyMayHaveChanged)
        }
    }
}
