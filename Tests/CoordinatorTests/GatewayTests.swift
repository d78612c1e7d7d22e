import Cluster
import Coordinator
import Foundation
import NIOCore
import RouterHarness
import Synchronization
import Testing
import Trust
import Wire

/// A gateway between clients and real TLS servers, with real certificates.
struct GatewayTests {
    /// A router of the cluster that says what it is told to.
    private final class FarRouter: RequestRouter {
        let seen = Mutex<[RequestHead]>([])
        let answer: Mutex<@Sendable (RequestHead) -> Reply?>

        init(_ answer: @escaping @Sendable (RequestHead) -> Reply?) { self.answer = Mutex(answer) }

        func admit(_ head: RequestHead, from peer: Peer) -> Admission {
            let isProbe = head.path == "/llmstack/v1/cluster"
            if !isProbe { seen.withLock { $0.append(head) } }
            if let reply = answer.withLock({ $0 })(head) { return .reply(reply) }
            // As a host that froze.
            return .answer { $0.loop.makePromise(of: Reply.self).futureResult }
        }

        func route(_ head: RequestHead, _ body: ScanOutcome, modelName: String?, from peer: Peer) -> Disposition {
            .reply(Reply(status: 500))
        }

        func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply { Reply(status: 500) }

        var heads: [RequestHead] { seen.withLock { $0 } }
    }

    /// Two routers, and a gateway that knows them.
    private struct Scene {
        let team: KeyedTeam
        let studio: FarRouter
        let box: FarRouter
        let studioServer: LoneServer
        let boxServer: LoneServer
        let gateway: LoneServer
        let desk: GatewayDesk
        let feed: AsyncStream<GatewayNews>.Continuation
        let driving: Task<Void, Never>
        let memory: Memory

        final class Memory: Sendable {
            let kept = Mutex<[GatewayBook.Memory]>([])
        }

        static let cluster = #"{"cluster":{"id":"cluster0","name":"team","security":"keys"},"nodes":[]}"#

        static func well(_ name: String) -> @Sendable (RequestHead) -> Reply? {
            { head in
                var reply = Reply.json(head.path == "/llmstack/v1/cluster" ? cluster : #"{"from":"\#(name)"}"#)
                reply.head.fields.add("set-cookie", "a=b")
                reply.head.fields.add("access-control-allow-origin", "*")
                reply.head.fields.add("x-llmstack-node", name)
                return reply
            }
        }

        init(knowsBox: Bool = true, imposes: TLSIdentity? = nil) async throws {
            team = try KeyedTeam()
            studio = FarRouter(Self.well("studio"))
            box = FarRouter(Self.well("box"))
            studioServer = try await LoneServer(studio, tls: imposes ?? team.server)
            boxServer = try await LoneServer(box, tls: try team.member())
            // The studio is used while it answers.
            desk = GatewayDesk(
                KeyedTeam.cluster, GatewayBook(preferred: KeyedTeam.studio), identity: try team.stranger(),
                key: "lms_test", log: .quiet)
            gateway = try await LoneServer(
                GatewayRouter(desk, hostGuard: LoopbackGuard(hostName: "host", allowedHosts: ""), log: .quiet))
            memory = Memory()
            let (news, feed) = AsyncStream.makeStream(of: GatewayNews.self)
            self.feed = feed
            let driver = GatewayDriver(
                desk, readKey: { "lms_new" },
                remember: { [memory] kept in
                    memory.kept.withLock { $0 = kept }
                })
            driving = Task { await driver.run(news) }
            feed.yield(
                .sighted(KeyedTeam.studio, name: "studio", [Place(host: "127.0.0.1", port: studioServer.port)]))
            if knowsBox {
                feed.yield(.sighted(KeyedTeam.box, name: "box", [Place(host: "127.0.0.1", port: boxServer.port)]))
            }
            let memory = memory
            let expected = knowsBox && imposes == nil ? 2 : imposes == nil || knowsBox ? 1 : 0
            _ = await eventually { memory.kept.withLock { $0.count } == expected }
        }

        func ask(
            _ method: String = "POST", _ path: String = "/v1/chat/completions", _ fields: Fields = .init(),
            _ body: String = #"{"model":"auto","messages":[]}"#
        ) async throws -> (status: Int, body: String) {
            let reply = try await HTTPProbe.ask(
                method, at: Endpoint(host: "127.0.0.1", port: gateway.port), path: path, fields: fields,
                body: method == "POST" ? Array(body.utf8) : [], timeout: .seconds(20))
            return (reply.status, String(decoding: reply.body, as: UTF8.self))
        }

        /// - Parameter isStudioThere: whether its server has not been stopped.
        func stop(isStudioThere: Bool = true) async {
            driving.cancel()
            await driving.value
            await gateway.stop()
            if isStudioThere { await studioServer.stop() }
            await boxServer.stop()
        }
    }

    @Test func `the key goes in its place, and nothing of the client's goes along`() async throws {
        let scene = try await Scene()
        let reply = try await scene.ask(
            "POST", "/v1/chat/completions?key=secret",
            [
                "authorization": "Bearer sk-mine", "cookie": "a=b", "x-api-key": "k", "origin": "vscode://x",
                "x-llmstack-hop": "1", "x-llmstack-client": "somebody",
            ])
        #expect(reply.status == 200)
        #expect(reply.body == #"{"from":"studio"}"#)
        let head = try #require(scene.studio.heads.first)
        #expect(head.target == "/v1/chat/completions")
        #expect(head.fields.all("authorization") == ["Bearer lms_test"])
        for name in ["cookie", "x-api-key", "origin", "x-llmstack-hop", "x-llmstack-client"] {
            #expect(!head.fields.contains(name), "\(name)")
        }
        await scene.stop()
    }

    @Test func `what a router says to browsers stops here`() async throws {
        let scene = try await Scene()
        let socket = try Socket(port: scene.gateway.port)
        socket.send(RequestText.get("/v1/models", RequestText.last))
        let text = String(decoding: try socket.read(), as: UTF8.self).lowercased()
        #expect(text.contains("x-llmstack-node: studio"))
        #expect(!text.contains("set-cookie"))
        #expect(!text.contains("access-control"))
        await scene.stop()
    }

    @Test(
        arguments: [
            ("GET", "/v1/models", 200), ("GET", "/models.ini", 200), ("GET", "/llmstack/v1/cluster", 200),
            ("POST", "/llmstack/v1/explain", 200), ("GET", "/llmstack/v1/gateway", 200),
            ("POST", "/v1/embeddings", 200),
            ("GET", "/unload", 404), ("GET", "/upstream/plan", 404), ("GET", "/logs", 404),
            ("POST", "/llmstack/v1/join", 404), ("GET", "/llmstack/v1/node", 404), ("POST", "/llmstack/v1/drain", 404),
            ("GET", "/", 404),
        ])
    func `only what is documented goes on`(_ method: String, _ path: String, _ status: Int) async throws {
        let scene = try await Scene()
        #expect(try await scene.ask(method, path).status == status)
        await scene.stop()
    }

    @Test(arguments: [["host": "evil.example"], ["origin": "https://evil.example"], ["origin": "null"]])
    func `pages from elsewhere are kept away`(_ fields: [String: String]) async throws {
        let scene = try await Scene()
        let lines = fields.map { "\($0.key): \($0.value)\r\n" }.joined()
        let host = fields["host"] == nil ? "Host: 127.0.0.1\r\n" : ""
        let socket = try Socket(port: scene.gateway.port)
        socket.send("GET /v1/models HTTP/1.1\r\n\(host)\(lines)Connection: close\r\n\r\n")
        #expect(String(decoding: try socket.read(), as: UTF8.self).hasPrefix("HTTP/1.1 403"))
        #expect(scene.studio.heads.isEmpty)
        await scene.stop()
    }

    @Test(arguments: [502, 503, 401]) func `a router that cannot is passed by`(_ status: Int) async throws {
        let scene = try await Scene()
        scene.studio.answer.withLock {
            $0 = { head in head.path == "/llmstack/v1/cluster" ? .json(Scene.cluster) : Reply(status: status) }
        }
        let reply = try await scene.ask()
        #expect(reply.status == 200)
        #expect(reply.body == #"{"from":"box"}"#)
        await scene.stop()
    }

    @Test(arguments: [400, 429, 500]) func `what is no router's fault is the client's`(_ status: Int) async throws {
        let scene = try await Scene()
        scene.studio.answer.withLock {
            $0 = { head in head.path == "/llmstack/v1/cluster" ? .json(Scene.cluster) : Reply(status: status) }
        }
        #expect(try await scene.ask().status == status)
        #expect(scene.box.heads.isEmpty)
        await scene.stop()
    }

    @Test func `a router that dies is replaced at once`() async throws {
        let scene = try await Scene()
        #expect(try await scene.ask().body == #"{"from":"studio"}"#)
        await scene.studioServer.stop()
        #expect(try await scene.ask().body == #"{"from":"box"}"#)
        await scene.stop(isStudioThere: false)
    }

    @Test func `a router that freezes is left, with the request in hand`() async throws {
        let scene = try await Scene()
        scene.studio.answer.withLock { $0 = { _ in nil } }
        #expect(try await scene.ask().body == #"{"from":"box"}"#)
        await scene.stop()
    }

    @Test func `a revoked key is said in words, and a new one is taken from the disk`() async throws {
        let scene = try await Scene(knowsBox: false)
        scene.studio.answer.withLock {
            $0 = { head in
                head.fields["authorization"] == "Bearer lms_new" ? Scene.well("studio")(head) : Reply(status: 401)
            }
        }
        let reply = try await scene.ask()
        // The probe that the request calls for may already have found the new one.
        if reply.status == 401 {
            #expect(reply.body.contains("revoked"))
            #expect(reply.body.contains("llmstack install --external auto --token"))
        }
        var status = 0
        while status != 200 { status = try await scene.ask().status }
        #expect(scene.studio.heads.last?.fields["authorization"] == "Bearer lms_new")
        await scene.stop()
    }

    @Test func `who cannot show that it is this router is never told anything`() async throws {
        let foreign = try ClusterAuthority.create(KeyedTeam.cluster, domain: nil, now: Date())
        let scene = try await Scene(imposes: try KeyedTeam.identity(foreign, KeyedTeam.studio, .issuer))
        #expect(try await scene.ask().body == #"{"from":"box"}"#)
        #expect(scene.studio.heads.isEmpty)
        await scene.stop()
    }

    @Test func `another node of the cluster does not pass for this one`() async throws {
        let scene = try await Scene(knowsBox: false, imposes: try KeyedTeam().server)
        let reply = try await scene.ask()
        #expect(reply.status == 503)
        #expect(reply.body.contains("no_node_available"))
        #expect(reply.body.contains("team"))
        #expect(scene.studio.heads.isEmpty)
        await scene.stop()
    }

    @Test func `a request waits for a router to appear`() async throws {
        let scene = try await Scene(knowsBox: false)
        await scene.studioServer.stop()
        async let reply = scene.ask()
        // Its own probes have found the studio gone before anybody else is heard of.
        let desk = scene.desk
        _ = await eventually { desk.isWithoutRouter }
        scene.feed.yield(.sighted(KeyedTeam.box, name: "box", [Place(host: "127.0.0.1", port: scene.boxServer.port)]))
        #expect(try await reply.body == #"{"from":"box"}"#)
        await scene.stop(isStudioThere: false)
    }
}

extension GatewayDesk {
    fileprivate var isWithoutRouter: Bool { report.inUse == nil }
}
