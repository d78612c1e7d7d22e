import ArgumentParser
import Cluster
import Coordinator
import Discovery
import Foundation
import Logging
import Node
import Trust

/// `llmstack doctor`: why a stack does not run, and why nodes do not see each other.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for what keeps this host from serving, or from its cluster, and say what to do.",
        discussion: """
            Looks at this host only: models.ini, programs, memory, ports, network, mDNS, firewall and clock, and at what \
            its router knows of others. The exit code is 1 where something is in the way, else 0.
            """)

    @Flag(name: .customLong("json"), help: "Print one JSON object with the same facts.")
    var printsJSON = false

    func run() async throws {
        _ = try Endpoints(checking: ProcessInfo.processInfo.environment)
        let findings = await symptoms().findings
        if printsJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(["findings": findings]), as: UTF8.self))
        } else {
            print(findings.text)
        }
        if findings.contains(where: { $0.verdict == .problem }) { throw ExitCode(1) }
    }

    private func trust() throws -> Symptoms.Trust {
        let desk = try KeyedContext().desk
        let (verifier, names) = (try desk.verifier(), HostNames.current())
        // Also whether it can be used: others must not be able to read it.
        let expiry = try PeerVerifier.leafExpiry(desk.credential().chainPEM)
        return Symptoms.Trust(
            isIssuer: try desk.isIssuer(),
            issuers: try desk.current().admitted.count { $0.kind == .issuer },
            daysLeft: Int((expiry.timeIntervalSinceNow / 86400).rounded(.down)),
            leftOut: verifier.leftOut(dnsNames: names.dnsNames, addresses: names.addresses))
    }

    private func symptoms() async -> Symptoms {
        let context = StackContext()
        var symptoms = Symptoms()
        let files = ClusterFiles(environment: context.environment)
        do {
            symptoms.cluster = try files.cluster()
            _ = try files.namedNodes()
            if symptoms.cluster?.security == .keys { symptoms.trust = try trust() }
        } catch {
            symptoms.clusterProblem = "\(error)"
        }
        symptoms.interfaces = SystemInterfaces.current().map { interface in
            let addresses = interface.networks.map { $0.address.text }
            return .init(
                name: interface.name, addresses: addresses,
                isNetwork: !interface.isLoopback && !interface.isVirtualBridge && !interface.isPointToPoint
                    && !addresses.isEmpty)
        }
        symptoms.directory = await directory(context.environment)
        let programs = context.table.programNames
        symptoms.firewalls = Symptoms.Firewall.current(programs: programs)
        let gateway = (try? Gateway(context.work)) ?? nil
        symptoms.usedElsewhere = usedElsewhere(context.work, gateway)
        symptoms.stack = await stack(context)
        let endpoints =
            gateway.map { Endpoints(gatewayPort: $0.port) }
            ?? Endpoints(
                environment: context.environment,
                routerPort: (try? context.blueprint.catalog(context.work))?.defaults.routerPort)
        let observer = StackObserver(work: context.work, endpoints: endpoints, table: context.table)
        let router = observer.observe(.router)
        symptoms.ports = [
            .init(endpoints.port(.router), gateway == nil ? "router" : "gateway", router.port)
        ]
        if gateway == nil {
            symptoms.ports.append(
                .init(endpoints.port(.llamaSwap), "llama-swap", observer.observe(.llamaSwap).port))
        } else {
            symptoms.gateway = await context.probe.gateway(endpoints)
        }
        if symptoms.cluster != nil {
            let port = ClusterPort.current(context.environment)
            symptoms.ports.append(.init(port, "cluster", listener(port, router, context.table)))
        }
        symptoms.clockIsKept = SystemClock.isKept(programs: programs)
        symptoms.routerIsExposed = endpoints.routerIsExposed
        if let body = try? await LocalRouter(environment: context.environment).get("/llmstack/v1/cluster"),
            let roster = try? JSONDecoder().decode(Roster.self, from: Data(body))
        {
            symptoms.nodes = roster.nodes.filter { !$0.isSelf }.map { .init(name: $0.name, state: $0.state) }
            if symptoms.trust != nil { symptoms.trust?.shutOut = try? await KeyedContext().shutOut() }
        }
        #if canImport(Darwin)
            symptoms.isMac = true
        #endif
        return symptoms
    }

    private func usedElsewhere(_ work: WorkDirectory, _ gateway: Gateway?) -> String? {
        if let name = gateway?.pin.cluster.name.printable() {
            return "the routers of the cluster \(name) through its gateway"
        }
        guard case .external(let url)? = work.pinnedChannel else { return nil }
        return "the router at \(url.printable())"
    }

    private func stack(_ context: StackContext) async -> Symptoms.Stack? {
        if case .external? = context.work.pinnedChannel { return nil }
        var stack = Symptoms.Stack()
        do {
            guard try ModelsINI.text(context.work) != nil else { return nil }
            let catalog = try context.blueprint.catalog(context.work)
            stack.memory = await MemoryMath.ofThisHost(catalog, environment: context.environment)
            if !catalog.localTiers.isEmpty,
                let lack = LlamaSwapConfig.lackOfLlamaServer(catalog: catalog, environment: context.environment)
            {
                stack.llamaServerProblem = Finding("llama-server", .warning, lack.problem, fix: lack.fix)
            }
        } catch {
            stack.modelsProblem = "\(error)"
        }
        if !LlamaSwapConfig.isProgram(context.work.llamaSwap) { stack.missingLlamaSwap = context.work.llamaSwap }
        return stack
    }

    /// The cluster's listener is the router's: whoever holds its port must be that process.
    private func listener(
        _ port: Int, _ router: DaemonObservation, _ table: any ProcessTable
    ) -> DaemonObservation.Port {
        guard LocalPort.isTaken(host: "127.0.0.1", port: port) else { return .free }
        guard let pid = table.listener(onPort: port), pid != router.own?.pid else { return .own }
        return .stranger(
            Occupant(
                pid: pid,
                command: table.process(pid)?.arguments.first.map { String($0.split(separator: "/").last ?? "") }))
    }

    private func directory(_ environment: [String: String]) async -> Symptoms.Directory {
        let directory = SystemDirectory.make(
            environment: environment, log: Logger(label: "llmstack.discovery") { _ in SwiftLogNoOpLogHandler() })
        defer { directory.close() }
        let timer = Task {
            try await Task.sleep(for: .seconds(2))
            directory.close()
        }
        defer { timer.cancel() }
        for await event in directory.browse(Advertisement.serviceType) {
            switch event {
            case .available: return .available
            case .unavailable(let reason, let fix): return .unavailable(reason: reason, fix: fix)
            default: break
            }
        }
        return .silent
    }
}
