import Cluster
import Coordinator
import Foundation
import RouterHarness
import Testing
import Trust
import Wire

/// Every way to ask the listener of a cluster with keys: who is let in where, and nobody else.
struct AccessMatrixTests {
    enum Credential: CaseIterable {
        case none, wrongKey, revokedKey, key, node, revokedNode, foreignNode, issuer
    }

    /// What a credential may expect of a method and path.
    struct Ask: CustomTestStringConvertible {
        var method: String
        var path: String
        var body = ""
        /// 2xx for nodes; for thin clients, too.
        var isForNodes = false
        var isForClients = false

        var testDescription: String { "\(method) \(path)" }
    }

    private static let chat = #"{"model":"plan","messages":[{"role":"user","content":"hi"}]}"#

    private static let known: [Ask] = [
        Ask(method: "POST", path: "/v1/chat/completions", body: chat, isForNodes: true, isForClients: true),
        Ask(
            method: "POST", path: "/v1/completions", body: #"{"model":"plan","prompt":"x"}"#, isForNodes: true,
            isForClients: true),
        Ask(
            method: "POST", path: "/v1/embeddings", body: #"{"model":"plan","input":"x"}"#, isForNodes: true,
            isForClients: true),
        Ask(method: "POST", path: "/infill", body: #"{"model":"plan"}"#, isForNodes: true, isForClients: true),
        Ask(method: "GET", path: "/v1/models", isForNodes: true, isForClients: true),
        Ask(method: "GET", path: "/models.ini", isForNodes: true, isForClients: true),
        Ask(method: "HEAD", path: "/models.ini", isForNodes: true, isForClients: true),
        Ask(method: "GET", path: "/llmstack/v1/cluster", isForNodes: true, isForClients: true),
        Ask(method: "POST", path: "/llmstack/v1/explain", body: chat, isForNodes: true, isForClients: true),
        Ask(method: "GET", path: "/llmstack/v1/node", isForNodes: true),
        Ask(method: "POST", path: "/llmstack/v1/drain?undo=1", isForNodes: true),
        Ask(method: "GET", path: "/llmstack/v1/access", isForNodes: true),
        Ask(method: "POST", path: "/llmstack/v1/access", body: #"{"entries":[]}"#, isForNodes: true),
        // Their own credential is in the body, or is a token: none of these is one.
        Ask(method: "POST", path: "/llmstack/v1/join", body: #"{"name":"x","dnsNames":[],"addresses":[]}"#),
        Ask(method: "POST", path: "/llmstack/v1/renew", body: "{}"),
        // Of llama-swap's, and of nobody's.
        Ask(method: "GET", path: "/unload"), Ask(method: "GET", path: "/upstream/plan/v1/models"),
        Ask(method: "GET", path: "/logs"), Ask(method: "GET", path: "/logs/stream"), Ask(method: "GET", path: "/slots"),
        Ask(method: "GET", path: "/props?model=plan"), Ask(method: "GET", path: "/running"),
        Ask(method: "GET", path: "/api/events"), Ask(method: "GET", path: "/"), Ask(method: "GET", path: "/health"),
        Ask(method: "GET", path: "/llmstack/v1/join"), Ask(method: "GET", path: "/llmstack/ui/"),
        Ask(method: "POST", path: "/llmstack/v1/access/reload"), Ask(method: "GET", path: "/../v1/models"),
        Ask(method: "GET", path: "//v1/models"), Ask(method: "GET", path: "/v1/models/"),
        Ask(method: "POST", path: "/v1/chat/completions/../../../unload", body: "{}"),
    ]

    /// Each path by every method that there is.
    static let asks: [Ask] =
        known
        + known.flatMap { ask in
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter { method in
                !known.contains { $0.path == ask.path && $0.method == method }
            }.map { Ask(method: $0, path: ask.path, body: ask.body) }
        }

    @Test func nobodyIsLetInWhoDoesNotBelong() async throws {
        let (key, revoked) = (ClientKey(), ClientKey())
        let lost = NodeID("nodelost")
        let team = try KeyedTeam([
            KeyedTeam.entry(key, limits: KeyLimits(inFlight: 4, perMinute: 10_000)),
            KeyedTeam.entry(revoked, name: "bert", revoked: 2), KeyedTeam.node(KeyedTeam.box),
            KeyedTeam.node(lost, revoked: 2),
        ])
        let foreign = try ClusterAuthority.create(KeyedTeam.cluster, domain: nil, now: Date())
        let identities: [Credential: TLSIdentity] = [
            .none: try team.stranger(), .wrongKey: try team.stranger(), .revokedKey: try team.stranger(),
            .key: try team.stranger(), .node: try team.member(), .revokedNode: try team.member(lost),
            .foreignNode: try KeyedTeam.identity(foreign, KeyedTeam.box, trusting: team.authority),
            .issuer: try team.member(KeyedTeam.studio, .issuer),
        ]
        let router = try await Self.router(team)
        for ask in Self.asks {
            for credential in Credential.allCases {
                var fields = Fields(["content-type": "application/json"])
                switch credential {
                case .wrongKey: fields.add("authorization", "Bearer \(ClientKey().text)")
                case .revokedKey: fields.add("authorization", "Bearer \(revoked.text)")
                case .key: fields.add("authorization", "Bearer \(key.text)")
                default: break
                }
                var endpoint = Endpoint(host: "127.0.0.1", port: router.port)
                endpoint.security = .tls(try #require(identities[credential]), expected: nil)
                let status = try? await HTTPProbe.ask(
                    ask.method, at: endpoint, path: ask.path, fields: fields, body: Array(ask.body.utf8),
                    timeout: .seconds(240)
                ).status
                #expect(
                    Self.isRight(status, ask, credential), "\(ask.method) \(ask.path) \(credential): \(status ?? 0)")
            }
        }
        await router.stop()
    }

    /// On loopback nobody is asked for a key: there it must not be a page of somebody else's that asks.
    @Test(arguments: ["single host", "open", "keys"])
    func noPageIsServedOnLoopback(_ kind: String) async throws {
        let team = try KeyedTeam()
        let profile: ServingProfile =
            switch kind {
            case "open": .clusterLoopback
            case "keys": .keyedLoopback
            default: .singleHost
            }
        let router = try await Self.router(team, profile)
        for ask in Self.asks {
            for fields in [
                "Host: rebind.example:10101", "Host: 127.0.0.1\r\nOrigin: https://evil.example",
                "Host: 127.0.0.1\r\nOrigin: null", "Host: localhost\r\nSec-Fetch-Site: cross-site",
            ] {
                let request =
                    "\(ask.method) \(ask.path) HTTP/1.1\r\n\(fields)\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(ask.body.utf8.count)\r\nConnection: close\r\n\r\n\(ask.body)"
                let reply = String(decoding: try router.exchange(request), as: UTF8.self)
                #expect(reply.hasPrefix("HTTP/1.1 403 "), "\(ask.method) \(ask.path) \(fields): \(reply.prefix(60))")
            }
        }
        #expect(router.upstream.requests.isEmpty)
        await router.stop()
    }

    private static func isRight(_ status: Int?, _ ask: Ask, _ credential: Credential) -> Bool {
        switch credential {
        // The handshake itself fails.
        case .foreignNode: return status == nil
        case .none, .revokedKey, .revokedNode: return status == 401
        // After ten in a minute it waits.
        case .wrongKey: return status == 401 || status == 429
        case .key where ask.isForClients: return status == 200
        case .key where ask.isForNodes: return status == 403
        case .node where ask.isForNodes, .issuer where ask.isForNodes: return status == 200
        case .key, .node, .issuer: return status.map { (400..<500).contains($0) } ?? false
        }
    }

    private static let ini = """
        [plan]
        role = plan
        hf_repo = a/b
        hf_file = p.gguf
        """

    private static func router(
        _ team: KeyedTeam, _ profile: ServingProfile = .keyedListener
    ) async throws -> RunningRouter {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).ini")
        try ini.write(to: file, atomically: true, encoding: .utf8)
        let node = ScriptedNode(tiers: ["plan"])
        let routes = NodeRoutes(node: node, gate: node, book: FleetBook(local: node)) {
            Roster(cluster: KeyedTeam.cluster, nodes: [])
        }
        return try await RunningRouter(
            ini: file, limits: KeyedTeam.patient, profile: profile, node: routes, access: team.routes,
            tls: profile.isGuarded ? team.server : nil)
    }
}
