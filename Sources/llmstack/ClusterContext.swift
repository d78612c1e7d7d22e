import Cluster
import Discovery
import Foundation
import Logging
import Node
import Wire

/// The port of the cluster listener.
enum ClusterPort {
    static let standard = 10103
    static let variable = "LLMSTACK_CLUSTER_PORT"

    /// `$LLMSTACK_CLUSTER_PORT`, else the standard one.
    static func current(_ environment: [String: String]) -> Int {
        environment[variable].flatMap { Int($0) }.flatMap { (1...65535).contains($0) ? $0 : nil }
            ?? standard
    }

    /// Reads `HOST[:PORT]`.
    static func place(_ text: String) -> Place? {
        HostPort.split(text).map { Place(host: $0.host, port: $0.port ?? standard) }
    }

    /// `HOST:PORT` as ``place(_:)`` reads it again: IPv6 in brackets.
    static func text(_ place: Place) -> String { Endpoint(host: place.host, port: place.port).authority }
}

/// What the verbs about clusters share.
struct ClusterContext {
    let environment = ProcessInfo.processInfo.environment
    let files: ClusterFiles

    init() { files = ClusterFiles(environment: environment) }

    var port: Int { ClusterPort.current(environment) }

    /// The first label of the host's name, as far as a name may have its characters.
    var hostLabel: String { Self.label(of: ProcessInfo.processInfo.hostName) }

    static func label(of hostName: String) -> String {
        let label = hostName.prefix { $0 != "." }.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        let name = String(label.drop { $0 == "-" }.prefix(40))
        return name.isEmpty ? "node" : name
    }

    func requireNone() throws {
        if let identity = try files.cluster() {
            throw StackFailure(
                "this host is in the cluster \"\(identity.name)\" already", advice: "fix: llmstack cluster leave first")
        }
    }

    /// - Throws: ``ExposedRouter`` where the environment has this host's router let in everybody.
    func requireHiddenRouter() throws {
        let endpoints = Endpoints(environment: environment)
        if endpoints.routerIsExposed { throw ExposedRouter(endpoints.routerHost) }
    }

    /// What somebody does who has just joined or made a cluster.
    var whatIsNext: String {
        let isRunning = LocalPort.isTaken(host: "127.0.0.1", port: LocalRouter(environment: environment).port)
        return isRunning ? "next: llmstack nodes" : "next: llmstack start, then llmstack nodes"
    }

    /// The clusters of which something is heard, each once.
    func advertisedClusters(within limit: Duration = .seconds(3)) async throws -> [ClusterIdentity] {
        let directory = SystemDirectory.make(
            environment: environment, log: Logger(label: "llmstack.discovery") { _ in SwiftLogNoOpLogHandler() })
        defer { directory.close() }
        let timer = Task {
            try await Task.sleep(for: limit)
            directory.close()
        }
        defer { timer.cancel() }
        var clusters: [ClusterID: ClusterIdentity] = [:]
        for await event in directory.browse(Advertisement.serviceType) {
            switch event {
            case .found(let service):
                guard case .known(let advertisement) = Advertisement.read(service.text) else { continue }
                let id = advertisement.cluster
                // One that has keys for any of its nodes has keys: anybody may say that it is open.
                let isKeyed = clusters[id]?.security == .keys
                clusters[id] = ClusterIdentity(
                    id: id, name: advertisement.clusterName, security: isKeyed ? .keys : advertisement.security)
            case .unavailable(let reason, let fix):
                throw StackFailure("services on the network cannot be looked for: \(reason)", advice: "fix: \(fix)")
            default: break
            }
        }
        return Array(clusters.values)
    }
}

/// The router that this command line asks about the cluster: this host's, or the one that this project uses.
struct LocalRouter {
    let base: String
    let port: Int
    /// Whether it is another's, which this project uses.
    let isElsewhere: Bool
    /// The cluster that lets this project in by a key, as a client.
    let clientOf: ClusterIdentity?
    /// Whether it is this host's and this host is in a cluster.
    private let isInCluster: Bool
    /// Why it is not known which router is meant; whoever asks is told.
    private let fault: StackFailure?

    init(environment: [String: String]) {
        let context = StackContext()
        let endpoints = Endpoints(
            environment: environment, routerPort: (try? context.blueprint.catalog(context.work))?.defaults.routerPort)
        port = endpoints.routerPort
        let pinned = (try? PinnedRouter.read(context.work))?.cluster
        clientOf = pinned?.security == .keys ? pinned : nil
        if case .external(let url)? = context.work.pinnedChannel {
            base = url
            isElsewhere = true
            isInCluster = false
            fault = nil
        } else {
            base = endpoints.base(.router)
            isElsewhere = false
            isInCluster = (try? ClusterFiles(environment: environment).cluster()) != nil
            do throws(StackFailure) {
                _ = try Endpoints(checking: environment)
                fault = nil
            } catch {
                fault = error
            }
        }
    }

    /// - Throws: ``StackFailure`` where nobody answers, or a router that is in no cluster.
    func get(_ path: String) async throws -> [UInt8] { try await ask("GET", path) }

    /// - Parameters:
    ///   - body: JSON; empty for none.
    ///   - mend: what to do where the body will not do.
    func ask(_ method: String, _ path: String, body: [UInt8] = [], mend: String? = nil) async throws -> [UInt8] {
        if let fault { throw fault }
        // Right after `cluster init` or `join` the router has not noticed yet.
        let patience = ContinuousClock.now + .seconds(isInCluster ? 3 : 0)
        while true {
            let mayWait = ContinuousClock.now < patience
            if let body = try await answer(method, path, body, mend, mayWait: mayWait) { return body }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// - Returns: nil where the router says that it is in no cluster, and another try makes sense.
    private func answer(
        _ method: String, _ path: String, _ body: [UInt8], _ mend: String?, mayWait: Bool
    ) async throws -> [UInt8]? {
        let reply: (status: Int, body: [UInt8])
        do {
            reply = try await exchange(method, path, body)
        } catch {
            throw StackFailure("no router answers at \(base): \(error)", advice: "fix: llmstack start")
        }
        let body = String(decoding: reply.body, as: UTF8.self)
        switch reply.status {
        case 200: return reply.body
        case 404 where body.contains("node_not_found"):
            throw StackFailure(OpenAIError.message(in: reply.body) ?? "not found", advice: "next: llmstack nodes")
        case 409 where body.contains("ambiguous_node"):
            throw StackFailure(
                OpenAIError.message(in: reply.body) ?? "several nodes have that name", advice: "fix: name one by its id"
            )
        // No route of the router's own: the request went to llama-swap, or there is none to go to.
        case 404,
            502 where body.contains("upstream_unavailable"):
            if mayWait { return nil }
            if isInCluster {
                throw StackFailure(
                    "the router at \(base) takes no part in the cluster of this host",
                    advice: "next: llmstack doctor; the router's log says why")
            }
            throw StackFailure(
                "the router at \(base) is in no cluster",
                advice: "fix: llmstack cluster init, or llmstack join")
        default:
            let reason = OpenAIError.message(in: reply.body) ?? "it answers \(reply.status)"
            let advice = reply.status == 400 ? mend.map { "fix: \($0)" } : nil
            throw StackFailure(
                "the router at \(base): \(reason)", advice: advice ?? "next: llmstack nodes, or llmstack doctor")
        }
    }
}

extension LocalRouter {
    /// One exchange with it; over TLS and with this host's key where it is a router of a cluster with keys.
    private func exchange(_ method: String, _ path: String, _ body: [UInt8]) async throws -> Probe.Reply {
        let context = StackContext()
        guard let place = SecureURL.place(base), let pin = try PinnedRouter.read(context.work),
            let access = try KeyRing(configuration: ClusterFiles(environment: context.environment).configuration)
                .access(to: pin.cluster.id)
        else { return try await HTTPProbe.ask(method, base + path, body: body, timeout: .seconds(5)) }
        return try await HTTPProbe.ask(
            method, at: access.endpoint(place, nil), path: path, fields: access.credentials, body: body,
            timeout: .seconds(5))
    }
}

/// Asks a node about itself.
enum NodeQuery {
    static func description(of place: Place) async throws -> NodeDescription {
        let url = "\(Endpoint(host: place.host, port: place.port))/llmstack/v1/node"
        do {
            let reply = try await HTTPProbe.get(url, timeout: .seconds(3))
            if reply.status == 200,
                let node = try? JSONDecoder().decode(NodeDescription.self, from: Data(reply.body)).sanitised
            {
                return node
            }
        } catch {
            throw StackFailure(
                "no node answers at \(ClusterPort.text(place)): \(error)",
                advice: "fix: see that its stack runs, that no firewall is between, and that it is in an open cluster; "
                    + "one with keys takes llmstack join TOKEN")
        }
        throw StackFailure(
            "what answers at \(ClusterPort.text(place)) is no llmstack node",
            advice:
                "fix: see host and port; a node in a cluster listens on \(ClusterPort.standard) unless told otherwise")
    }
}
