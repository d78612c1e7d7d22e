import Cluster
import Coordinator
import Discovery
import Foundation
import Logging
import Node
import Synchronization
import Wire

/// A router's part in one cluster, from joining to leaving: the listener, the agent, the advertisement, and an eye on the
/// other nodes.
struct ClusterStack {
    private let assembly: Assembly
    private let router: StackRouter
    private let rules: RoutingRules
    private let identity: ClusterIdentity
    private let files: ClusterFiles
    private let log: Logger
    private let port: Int
    /// nil in an open cluster.
    private let desk: TrustDesk?
    let agent: NodeAgent

    /// - Throws: where the node's id cannot be kept, or models.ini or the cluster's files cannot be read.
    init(
        _ assembly: Assembly, _ router: StackRouter, _ rules: RoutingRules, _ identity: ClusterIdentity,
        _ files: ClusterFiles, log: Logger
    ) throws {
        self.assembly = assembly
        self.router = router
        self.rules = rules
        self.identity = identity
        self.files = files
        self.log = log
        port = ClusterPort.current(ProcessInfo.processInfo.environment)
        let id = try files.nodeID()
        desk =
            try identity.security == .open
            ? nil : TrustDesk(identity, id, ClusterSecrets(configuration: files.configuration, cluster: identity.id))
        // What `--name` of join and invite said is in the set of those who are let in.
        let name = try desk?.current()[id.description]?.name
        agent = try assembly.agent(identity, id, name: name, log: log)
    }

    /// Until it is cancelled.
    func run() async throws {
        let recorder = Recorder(
            ProcessInfo.processInfo.environment, beside: files.state, log: log)
        let book = FleetBook(local: agent, recorder: recorder)
        let ledger = Ledger(path: files.stateDB, log: log)
        let known = Known()
        let trust = try trust(ledger, known)
        let transport = trust?.transport ?? .plain
        let others = LentCatalogs(transport: transport, log: log)
        let monitor = MembershipMonitor(
            own: agent.description.id, cluster: identity.id, transport: transport, log: log, ledger: ledger,
            recorder: recorder
        ) {
            book.changed($0, $1)
            others.changed($0, $1)
            trust?.exchange.changed($0, isUp: $1?.health == .up)
        }
        known.use(monitor)
        let roster: @Sendable () -> Roster = { [agent, identity, port] in
            Roster(
                cluster: identity,
                nodes: [Roster.Entry(agent.description, addresses: [], port: port)] + monitor.entries)
        }
        recall(ledger.memory, book)
        let routes = NodeRoutes(
            node: agent, gate: agent, book: book, others: others, transport: transport, roster: roster
        ) {
            ledger.notePlacement($0)
        }
        let listener = try await ClusterListener.start(
            router: assembly.listener(rules, routes, trust?.routes, log: log), profile: .listener(identity.security),
            port: port, tls: trust?.identity)
        if identity.security == .open {
            log.warning(
                "the cluster \(identity.name) is open: whoever reaches port \(port) of this host uses its models")
        }
        log.notice("cluster \(identity.name): listening on \(listener.address) for other nodes and thin clients")
        router.serve(.loopback(identity.security), routes, trust?.routes)
        let directory = SystemDirectory.make(environment: ProcessInfo.processInfo.environment, log: log)
        let (news, feed) = AsyncStream.makeStream(of: MembershipMonitor.News.self)
        for node in ledger.memory.nodes(of: identity.id, now: Date().timeIntervalSince1970) {
            feed.yield(.remembered(node.id, node.places))
        }
        let keeping = Task { await ledger.run() }
        let recording = Task { await recorder?.run() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await agent.run() }
            group.addTask { await monitor.run(news) }
            group.addTask { await others.run() }
            group.addTask { await browse(directory, feed) }
            group.addTask { await advertise(directory) }
            group.addTask { await watchNamedNodes(feed) }
            group.addTask { await noteRates(ledger, book) }
            if let trust {
                group.addTask { await trust.exchange.run(trust.routes) }
                group.addTask { await trust.keepCertificate() }
            }
            // At once, whatever the others are in the middle of: the router on loopback stops at the same time.
            group.addTask { await stopWhenCancelled(listener, directory) }
            // They end when this is cancelled.
            await group.waitForAll()
        }
        feed.finish()
        // Last, so that it gets everybody's last word.
        keeping.cancel()
        recording.cancel()
        await keeping.value
        await recording.value
    }

    /// - Returns: nil in an open cluster.
    private func trust(_ ledger: Ledger, _ known: Known) throws -> ClusterTrust? {
        guard let desk else { return nil }
        guard !assembly.settings.listensBeyondLoopback else { throw ExposedRouter(assembly.settings.host) }
        return try ClusterTrust(
            desk, name: agent.description.name, log: log, note: { ledger.noteAudit($0) }, members: { known.up },
            places: { known.all })
    }

    /// What was known when this router stopped: until a node tells of its rates, placement goes by these.
    private func recall(_ memory: LedgerMemory, _ book: FleetBook) {
        for (key, rate) in memory.rates {
            if key.node == agent.description.id {
                book.remember(rate.speed, rate.lessons, of: key.tier, on: key.node, called: nil)
            } else if let node = memory.nodes[key.node], node.cluster == identity.id {
                book.remember(rate.speed, rate.lessons, of: key.tier, on: key.node, called: node.name)
            }
        }
    }

    /// Of this host how fast it is, and of all what its replies have taught; other hosts' speeds the membership notes.
    private func noteRates(_ ledger: Ledger, _ book: FleetBook) async {
        var noted: [String: TierSpeed] = [:]
        var taught: [LedgerMemory.RateKey: TierLessons] = [:]
        // Once more when it is cancelled: the next router is to know what this one did.
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(NodeNotes.rateInterval))
            let own = agent.description
            let now = Date().timeIntervalSince1970
            for tier in own.tiers where tier.speed != noted[tier.name] && tier.speed != TierSpeed() {
                ledger.note(.rates(RateRecord(node: own.id, tier: tier.name, speed: tier.speed, updated: now)))
                noted[tier.name] = tier.speed
            }
            for (key, lessons) in book.lessons where lessons != taught[key] {
                ledger.note(.rates(RateRecord(node: key.node, tier: key.tier, lessons: lessons, updated: now)))
                taught[key] = lessons
            }
        }
    }

    private func stopWhenCancelled(_ listener: ClusterListener, _ directory: any ServiceDirectory) async {
        while (try? await Task.sleep(for: .seconds(3600))) != nil {}
        let begin = ContinuousClock.now
        await listener.stopListening()
        // For connections that are open.
        agent.drain("its router is stopping")
        router.serve(.singleHost, nil)
        // The goodbye goes out before the connections end: others need not find out by asking. A daemon that hangs
        // takes its time from those who wait for their replies, not from whoever waits for this to end.
        directory.close()
        await listener.stop(since: begin)
    }

    private func browse(
        _ directory: any ServiceDirectory, _ feed: AsyncStream<MembershipMonitor.News>.Continuation
    ) async {
        var complaint: Task<Void, Never>?
        defer { complaint?.cancel() }
        for await event in directory.browse(Advertisement.serviceType) {
            switch event {
            case .found(let service):
                let places = service.addresses.map { Place(host: $0.text, port: service.port) }
                feed.yield(.sighted(name: service.name, host: service.host, places, txt: service.text))
            case .lost(let id): feed.yield(.lost(name: id.name, host: id.host))
            case .unavailable(let reason, let fix):
                if complaint == nil { complaint = Task { await complain(reason, fix) } }
            case .registered(let name): log.notice("advertised as \"\(name)\"")
            case .available:
                complaint?.cancel()
                complaint = nil
            case .allForNow: break
            }
        }
    }

    /// After a while: a daemon that is only being restarted is nobody's trouble.
    private func complain(_ reason: String, _ fix: String) async {
        guard (try? await Task.sleep(for: .seconds(5))) != nil else { return }
        log.warning("other nodes cannot be found by mDNS: \(reason)\n  fix: \(fix); or llmstack nodes add HOST")
    }

    private func advertise(_ directory: any ServiceDirectory) async {
        var generation = 0
        var shown: AdvertisedService?
        for await description in agent.descriptions() {
            let tiers = description.policy.share
            var service = advertised(description, tiers, generation)
            if service == shown { continue }
            generation += 1
            service = advertised(description, tiers, generation)
            shown = service
            directory.advertise(service)
        }
    }

    private func advertised(_ description: NodeDescription, _ tiers: [String], _ generation: Int) -> AdvertisedService {
        let advertisement = Advertisement(
            cluster: identity.id, clusterName: identity.name, node: description.id, generation: generation,
            tiers: tiers,
            security: identity.security)
        return AdvertisedService(
            name: description.name, type: Advertisement.serviceType, port: port, text: advertisement.txt,
            subtypes: advertisement.subtypes)
    }

    /// Reports what `llmstack nodes add` and `remove` write.
    private func watchNamedNodes(_ feed: AsyncStream<MembershipMonitor.News>.Continuation) async {
        var known: Set<String> = []
        var complaint = ""
        repeat {
            do {
                let named = Set(try files.namedNodes())
                for place in named.subtracting(known).compactMap(ClusterPort.place) { feed.yield(.named(place)) }
                for place in known.subtracting(named).compactMap(ClusterPort.place) { feed.yield(.forgotten(place)) }
                known = named
                complaint = ""
            } catch {
                if complaint != "\(error)" { log.error("\(error)") }
                complaint = "\(error)"
            }
        } while (try? await Task.sleep(for: .milliseconds(500))) != nil
    }
}

/// Where the other nodes are, for those who are asked to look before there is a monitor that knows.
private final class Known: Sendable {
    private let monitor = Mutex<MembershipMonitor?>(nil)

    func use(_ monitor: MembershipMonitor) { self.monitor.withLock { $0 = monitor } }

    /// Those that are up.
    var up: [(id: NodeID, place: Place)] { places { $0.state == Membership.Health.up.rawValue } }

    var all: [(id: NodeID, place: Place)] { places { _ in true } }

    private func places(_ isWanted: (Roster.Entry) -> Bool) -> [(id: NodeID, place: Place)] {
        let entries = monitor.withLock { $0 }?.entries ?? []
        return entries.filter(isWanted).flatMap { entry in
            let hosts = entry.address.map { [$0] } ?? entry.addresses
            return hosts.map { (entry.id, Place(host: $0, port: entry.port ?? ClusterPort.standard)) }
        }
    }
}

/// A router that everybody can reach would go round the keys of its cluster.
struct ExposedRouter: Error, CustomStringConvertible {
    let description: String

    init(_ host: String) {
        description =
            "ROUTER_HOST=\(host) lets everybody in without a key, and this host is in a cluster with keys\n"
            + "  fix: unset ROUTER_HOST; others use this host by its cluster, on port \(ClusterPort.standard)"
    }
}
