import Cluster
import Foundation
import Node
import RouterHarness
import Testing
import Trust
import Wire

/// Thin clients of clusters with keys: who is believed, and what is written.
struct KeyedClientTests {
    private static let cluster = ClusterIdentity(id: ClusterID("clusterclusterc1"), name: "studio", security: .keys)
    private static let node = NodeID("nodenodenodenod1")

    /// Says 401 to whoever has no key, and shows a models.ini to who has this one.
    private final class Router: RequestRouter {
        let key: String

        init(_ key: String) { self.key = key }

        func admit(_ head: RequestHead, from peer: Peer) -> Admission {
            guard head.fields["authorization"] == "Bearer \(key)" else { return .reply(Reply(status: 401)) }
            return .reply(.text(ScriptedNode.ini))
        }

        func route(_ head: RequestHead, _ body: ScanOutcome, modelName: String?, from peer: Peer) -> Disposition {
            .reply(Reply(status: 500))
        }

        func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply { Reply(status: 500) }
    }

    /// A router of a cluster, and a host that may know it.
    private struct Scene {
        let authority: ClusterAuthority
        let server: LoneServer
        let key = ClientKey()
        let scratch: Scratch

        var place: Place { Place(host: "127.0.0.1", port: server.port) }
        var url: String { SecureURL.text(place) }

        init(_ identity: ClusterIdentity = cluster) async throws {
            authority = try ClusterAuthority.create(identity, domain: nil, now: Date())
            scratch = try Scratch()
            let leafKey = LeafKey()
            let request = try LeafRequest(
                certificateRequest: leafKey.certificateRequest(name: "node"), name: "node", dnsNames: ["localhost"],
                addresses: ["127.0.0.1"])
            let leaf = try authority.sign(
                request, identity: PeerIdentity(cluster: identity.id, node: node, role: .issuer), now: Date()
            ).certificatePEM
            let tls = try TLSIdentity(chainPEM: leaf + authority.certificatePEM, keyPEM: leafKey.pem) { _ in
                throw CertificateRefusal.none
            }
            server = try await LoneServer(Router(key.text), tls: tls)
        }

        func secrets() throws -> ClusterSecrets {
            try ClusterSecrets(configuration: scratch.path, cluster: authority.cluster)
        }

        func keep(authority pem: String? = nil, _ key: ClientKey?) throws {
            try secrets().write(pem ?? authority.certificatePEM, to: .authority)
            if let key { try secrets().write(key) }
        }

        func ring(_ token: JoinToken? = nil) -> KeyRing { KeyRing(configuration: scratch.path, token: token) }

        func look(
            _ token: JoinToken? = nil, cluster: ClusterID = KeyedClientTests.cluster.id,
            node: NodeID = KeyedClientTests.node
        ) async -> KeyedProbe.Outcome {
            await KeyedProbe(ring(token)).look(at: place, .init(cluster: cluster, node: node), timeout: .seconds(5))
        }

        var known: PeerIdentity { PeerIdentity(cluster: authority.cluster, node: node, role: .issuer) }
        var pin: String { authority.pin.text }
    }

    @Test func `without token and certificate nobody is believed`() async throws {
        let scene = try await Scene()
        #expect(await scene.look() == .unknown(Self.cluster.id))
        await scene.server.stop()
    }

    @Test func `a certificate that was kept tells, and so does a token`() async throws {
        let scene = try await Scene()
        let token = JoinToken(pin: scene.authority.pin)
        #expect(await scene.look(token) == .known(scene.known, authority: scene.pin, key: nil))
        try scene.keep(nil)
        #expect(await scene.look() == .known(scene.known, authority: scene.pin, key: nil))
        try scene.keep(scene.key)
        #expect(await scene.look() == .known(scene.known, authority: scene.pin, key: true))
        #expect(await scene.look(token) == .known(scene.known, authority: scene.pin, key: true))
        try scene.keep(ClientKey())
        #expect(await scene.look() == .known(scene.known, authority: scene.pin, key: false))
        await scene.server.stop()
    }

    @Test func `who claims to be another is refused`() async throws {
        let scene = try await Scene()
        let foreign = try ClusterAuthority.create(Self.cluster, domain: nil, now: Date())
        func isRefused(_ outcome: KeyedProbe.Outcome) -> Bool { if case .refused = outcome { true } else { false } }
        #expect(isRefused(await scene.look(cluster: ClusterID("otherclusterclus"))))
        #expect(isRefused(await scene.look(node: NodeID("othernodeothern1"))))
        #expect(
            isRefused(await scene.look(JoinToken(pin: scene.authority.pin), cluster: ClusterID("otherclusterclus"))))
        // A token of another cluster says nothing of this one.
        #expect(await scene.look(JoinToken(pin: foreign.pin)) == .unknown(Self.cluster.id))
        try scene.keep(authority: foreign.certificatePEM, scene.key)
        #expect(isRefused(await scene.look()))
        await scene.server.stop()
    }

    @Test func `nobody is silent`() async throws {
        let scene = try await Scene()
        await scene.server.stop()
        #expect(await scene.look() == .silent)
    }

    @Test func `a search shows what it takes, and the choice by a token is its cluster's`() async throws {
        let scene = try await Scene()
        var txt = Advertisement(
            cluster: Self.cluster.id, clusterName: "studio", node: Self.node, generation: 1, tiers: ["plan"],
            security: .keys
        ).txt
        func sighting(_ name: String) -> RouterSighting {
            RouterSighting(
                id: .init(name: name, host: "\(name).local"), port: scene.server.port, txt: txt,
                addresses: [.init("127.0.0.1")])
        }
        let honest = sighting("desktop")
        txt = txt.map { $0.hasPrefix("id=") ? "id=othernodeothern1" : $0 }
        let liar = sighting("liar")
        let token = JoinToken(pin: scene.authority.pin)
        let wanted = RouterChoice.Wanted.authority(token.pin.text)
        let search = RouterSearch(
            directory: .scripted([.available, .found(honest), .found(liar), .allForNow]),
            probe: Probe { _, _ in throw CancellationError() }, keys: scene.ring(token))
        let findings = await search.run(for: wanted)
        #expect(findings.elapsed < .seconds(2.5))
        guard case .use(let routers, _) = RouterChoice(among: findings.candidates, wanted: wanted, isTerminal: false)
        else {
            Issue.record("\(findings.candidates)")
            return
        }
        #expect(routers.map(\.node) == [Self.node])
        #expect(routers.first?.url == scene.url)
        let table = RouterTable.lines(findings.candidates).joined(separator: "\n")
        #expect(table.contains("ms, needs a key\n"), "\(table)")
        #expect(table.contains("127.0.0.1 cannot show that it is of studio"), "\(table)")
        let choice = RouterChoice(among: findings.candidates, wanted: .name("liar"), isTerminal: false)
        let words = RouterNotFound(choice, wanted: .name("liar"), findings: findings)?.description ?? ""
        #expect(words.contains("the router at 127.0.0.1 claims to be of studio and cannot show it"), "\(words)")
        await scene.server.stop()
    }

    @Test func `a pinned router is found by its authority`() async throws {
        let scene = try await Scene()
        try scene.keep(scene.key)
        func whereabouts(_ authority: String) async -> RouterFinder.Whereabouts {
            let pin = PinnedRouter(
                cluster: Self.cluster, router: .init(id: Self.node, name: "desktop"), url: scene.url,
                authority: authority)
            return await RouterFinder(
                directory: .scripted([]), probe: Probe { _, _ in throw CancellationError() }, keys: scene.ring()
            ).whereabouts(of: pin)
        }
        #expect(await whereabouts(scene.pin) == .asBefore(.init(id: Self.node, name: "desktop")))
        #expect(await whereabouts("another") == .impostor("it is of another cluster"))
        let finder = RouterFinder(
            directory: .scripted([]), probe: Probe { _, _ in throw CancellationError() }, keys: scene.ring())
        #expect(
            try await finder.catalog(at: scene.url, of: Self.cluster.id, Self.node).sections.map(\.name) == ["solo"])
        try scene.keep(ClientKey())
        let error = await #expect(throws: RemoteCatalog.Unavailable.self) {
            try await finder.catalog(at: scene.url, of: Self.cluster.id, Self.node)
        }
        #expect(error?.description.contains("revoked") == true)
        await scene.server.stop()
    }

    // MARK: Files

    private static func install(
        _ scratch: Scratch, gateway: Bool, _ more: [String: String] = [:]
    ) throws -> (install: ProjectInstall, work: WorkDirectory) {
        let environment = ["HOME": scratch.path].merging(more) { $1 }
        let work = WorkDirectory(environment: environment, currentDirectory: "\(scratch.path)/project")
        let pin = PinnedRouter(
            cluster: cluster, router: .init(id: node, name: "desktop"), url: "https://10.0.0.5:10103",
            authority: "abc", gateway: gateway ? true : nil)
        let catalog = try Catalog.parse(ScriptedNode.ini, file: "models.ini")
        return (
            ProjectInstall(
                work: work, thinClientOf: pin.url, catalog: catalog, environment: environment, pin: pin, shipped: nil),
            work
        )
    }

    private static func options(_ work: WorkDirectory) throws -> Value? {
        let text = try String(contentsOfFile: work.opencodeJSON, encoding: .utf8)
        return try Value.json(text)["provider"]?["llama.cpp"]?["options"]
    }

    @Test(arguments: [nil, "10201"] as [String?]) func `behind a gateway opencode knows loopback only`(
        _ port: String?
    ) throws {
        let scratch = try Scratch()
        let (install, work) = try Self.install(scratch, gateway: true, port.map { ["ROUTER_PORT": $0] } ?? [:])
        _ = try install.perform()
        let url = "http://127.0.0.1:\(port ?? "10101")"
        #expect(work.pinnedChannel == .external(url))
        #expect(try Self.options(work)?["baseURL"]?.text == "\(url)/v1")
        #expect(try Self.options(work)?["apiKey"]?.text == "sk-no-key-required")
        // Longer than a model may take to load: 900 s.
        guard case .number(let timeout)? = try Self.options(work)?["timeout"] else {
            Issue.record("no timeout")
            return
        }
        #expect(timeout > 900_000)
        let gateway = try #require(try Gateway(work))
        #expect(gateway.port == Int(port ?? "10101"))
        #expect(!FileManager.default.fileExists(atPath: work.authoritiesPEM))
    }

    @Test func `without one opencode refers to the key, and Node.js is told of the authority`() throws {
        let scratch = try Scratch()
        let configuration = "\(scratch.path)/.config/llmstack"
        let secrets = try ClusterSecrets(configuration: configuration, cluster: Self.cluster.id)
        try secrets.write("CLUSTER\n", to: .authority)
        try scratch.put("MINE", "mine.pem")
        let variable = [AuthorityBundle.variable: "\(scratch.path)/mine.pem"]
        let (install, work) = try Self.install(scratch, gateway: false, variable)
        _ = try install.perform()
        #expect(work.pinnedChannel == .external("https://10.0.0.5:10103"))
        #expect(try Self.options(work)?["apiKey"]?.text == "{file:\(secrets.path(.clientKey))}")
        let bundle = try String(contentsOfFile: work.authoritiesPEM, encoding: .utf8)
        #expect(bundle == "CLUSTER\n# of the user's own file: \(scratch.path)/mine.pem\nMINE\n")
        // Inside the project the variable names the bundle itself.
        let inside = [AuthorityBundle.variable: work.authoritiesPEM]
        _ = try Self.install(scratch, gateway: false, inside).install.perform()
        #expect(try String(contentsOfFile: work.authoritiesPEM, encoding: .utf8) == bundle)
        // Another kind of install leaves nothing of it.
        _ = try Self.install(scratch, gateway: true).install.perform()
        #expect(!FileManager.default.fileExists(atPath: work.authoritiesPEM))
    }

    @Test(
        arguments: [
            ("https://10.0.0.5:10103", "10.0.0.5", 10103), ("HTTPS://studio.local", "studio.local", 443),
            ("https://[fd00::5]:1", "fd00::5", 1), ("http://10.0.0.5:1", nil, nil), ("https://a/b", nil, nil),
            ("https://", nil, nil), ("https://a:0", nil, nil),
        ] as [(String, String?, Int?)])
    func `a URL of a router has a host and a port`(_ url: String, _ host: String?, _ port: Int?) {
        let place = SecureURL.place(url)
        #expect(place?.host == host)
        #expect(place?.port == port)
    }

    @Test func `a URL without keys is asked in plain HTTP, and one with keys over TLS`() {
        var sighting = RouterSighting(
            id: .init(name: "a", host: "a.local"), port: 10103, txt: ScriptedNode().txt, addresses: [.init("10.0.0.5")])
        #expect(sighting.ways.map(\.url) == ["http://10.0.0.5:10103"])
        sighting.txt.append("sec=keys")
        #expect(sighting.ways.map(\.url) == ["https://10.0.0.5:10103"])
    }
}
