import Cluster
import Coordinator
import Foundation
import RouterHarness
import Synchronization
import Testing
import Trust
import Wire

/// What becomes of those who were let in: their limits, and their end.
struct DoorkeeperTests {
    private static let chat = #"{"model":"plan","messages":[{"role":"user","content":"hi"}]}"#
    private static let ini = "[plan]\nrole = plan\nhf_repo = a/b\nhf_file = p.gguf\n"

    private static func router(
        _ team: KeyedTeam, _ node: ScriptedNode = ScriptedNode(tiers: ["plan"]),
        answer: @escaping ScriptedUpstream.Answer = ScriptedUpstream.ok
    ) async throws -> RunningRouter {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).ini")
        try ini.write(to: file, atomically: true, encoding: .utf8)
        let routes = NodeRoutes(node: node, gate: node, book: FleetBook(local: node)) {
            Roster(cluster: KeyedTeam.cluster, nodes: [])
        }
        return try await RunningRouter(
            ini: file, limits: KeyedTeam.patient, profile: .keyedListener, node: routes, access: team.routes,
            tls: team.server, answer: answer)
    }

    private static func ask(
        _ router: RunningRouter, _ identity: TLSIdentity, _ key: ClientKey? = nil, method: String = "POST",
        path: String = "/v1/chat/completions", body: String = chat, fields extra: Fields = Fields()
    ) async throws -> (status: Int, body: String) {
        var endpoint = Endpoint(host: "127.0.0.1", port: router.port)
        endpoint.security = .tls(identity, expected: KeyedTeam.studio)
        var fields = extra
        if let key { fields.add("authorization", "Bearer \(key.text)") }
        let reply = try await HTTPProbe.ask(
            method, at: endpoint, path: path, fields: fields, body: Array(body.utf8), timeout: .seconds(240))
        return (reply.status, String(decoding: reply.body, as: UTF8.self))
    }

    @Test func whoTriesToJoinTooOftenIsToldHowLongToWait() async throws {
        let team = try KeyedTeam()
        let router = try await Self.router(team)
        let stranger = try team.stranger()
        var last = (status: 0, body: "")
        for _ in 0..<6 {
            last = try await Self.ask(
                router, stranger, path: "/llmstack/v1/join", body: "{}", fields: ["authorization": "Bearer secret"])
        }
        #expect(last.status == 429 && last.body.contains("try again in ") && last.body.contains(" s."), "\(last)")
        await router.stop()
    }

    @Test func aKeyHasItsRequestsAMinuteAndNoMore() async throws {
        let key = ClientKey()
        let team = try KeyedTeam([KeyedTeam.entry(key, limits: KeyLimits(inFlight: 2, perMinute: 3))])
        let router = try await Self.router(team)
        let stranger = try team.stranger()
        for _ in 0..<3 { #expect(try await Self.ask(router, stranger, key).status == 200) }
        let fourth = try await Self.ask(router, stranger, key)
        #expect(fourth.status == 429 && fourth.body.contains("its 3 requests a minute"))
        // Looking at what there is costs nothing.
        #expect(try await Self.ask(router, stranger, key, method: "GET", path: "/v1/models", body: "").status == 200)
        await router.stop()
    }

    @Test func aKeyHasSoManyAtOnceAndARequestThatEndsMakesRoom() async throws {
        let key = ClientKey()
        let team = try KeyedTeam([KeyedTeam.entry(key, limits: KeyLimits(inFlight: 1, perMinute: 100))])
        let node = ScriptedNode(tiers: ["plan"])
        node.answer(.hold)
        let router = try await Self.router(team, node)
        let stranger = try team.stranger()
        async let first = Self.ask(router, stranger, key)
        #expect(await eventually { node.waiting.count == 1 })
        #expect(node.waiting.first?.client == key.id)
        let second = try await Self.ask(router, stranger, key)
        #expect(second.status == 429 && second.body.contains("1 requests under way"))
        node.answer(.open)
        node.admit(1)
        #expect(try await first.status == 200)
        // The listener hears of the end of an exchange after the client does.
        var third = try await Self.ask(router, stranger, key)
        while third.status == 429 { third = try await Self.ask(router, stranger, key) }
        #expect(third.status == 200)
        await router.stop()
    }

    @Test func aRevokedKeyIsCutOffInTheMidstOfAStream() async throws {
        let key = ClientKey()
        var set = AccessSet([KeyedTeam.entry(key)])
        let team = try KeyedTeam(Array(set.entries.values))
        let router = try await Self.router(team) { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n")
            return .keepOpen
        }
        let stranger = try team.stranger()
        let stream = Task {
            var endpoint = Endpoint(host: "127.0.0.1", port: router.port)
            endpoint.security = .tls(stranger, expected: nil)
            return try await HTTPProbe.ask(
                "POST", at: endpoint, path: "/v1/chat/completions",
                fields: ["authorization": "Bearer \(key.text)"],
                body: Array(#"{"model":"plan","stream":true,"messages":[{"role":"user","content":"hi"}]}"#.utf8),
                timeout: .seconds(240))
        }
        #expect(await eventually { !router.upstream.requests.isEmpty })
        let isRevoked = set.revoke(key.id, by: KeyedTeam.studio, at: 9)
        #expect(isRevoked)
        team.doorkeeper.use(set)
        await #expect(throws: (any Error).self) { try await stream.value }
        #expect(try await Self.ask(router, stranger, key).status == 401)
        await router.stop()
    }

    /// Of two sets that are read one after the other, the first may come last.
    @Test func anOlderSetTakesNoRevocationBack() throws {
        let (first, second) = (ClientKey(), ClientKey())
        let team = try KeyedTeam([KeyedTeam.entry(first), KeyedTeam.entry(second)])
        let old = team.doorkeeper.set
        var set = old
        let isRevoked = set.revoke(first.id, by: KeyedTeam.studio, at: 9)
        let isNews = team.doorkeeper.use(set)
        let isOldNews = team.doorkeeper.use(old)
        #expect(isRevoked && isNews && !isOldNews)
        #expect(team.doorkeeper.set == set)
    }

    /// A team whose files revoke a key, of which its router has not heard.
    private static func revokedOnDisk() throws -> (KeyedTeam, ClientKey) {
        let key = ClientKey()
        let team = try KeyedTeam([KeyedTeam.entry(key)])
        var set = team.doorkeeper.set
        let isRevoked = set.revoke(key.id, by: KeyedTeam.studio, at: 9)
        #expect(isRevoked)
        team.desk.put(set)
        return (team, key)
    }

    /// `cluster revoke` may not know this router's port: the files say what it did, to the others as no news.
    @Test func whatACommandHasWrittenCountsFromTheNextExchangeOn() async throws {
        let (team, key) = try Self.revokedOnDisk()
        try await team.routes.take(AccessSet())
        #expect(team.doorkeeper.set.isRevoked(key.id))
    }

    @Test func aRouterThatKnowsNoOtherReadsItsFilesToo() async throws {
        let (team, key) = try Self.revokedOnDisk()
        let exchange = AccessExchange(.plain, log: .quiet) { [] }
        let running = Task { await exchange.run(team.routes) }
        #expect(await eventually { team.doorkeeper.set.isRevoked(key.id) })
        running.cancel()
        await running.value
    }

    @Test func nobodyWaitsWhileAKeyIsLookedAt() async throws {
        let key = ClientKey()
        let looks = Looks()
        let team = try KeyedTeam([KeyedTeam.entry(key)]) { looks.look() }
        looks.use(team.doorkeeper)
        let router = try await Self.router(team)
        #expect(try await Self.ask(router, team.stranger(), key).status == 200)
        #expect(looks.gotThrough == [true])
        await router.stop()
    }

    @Test func theEleventhWrongKeyWaitsAndTheRightOneDoesNot() async throws {
        let key = ClientKey()
        let team = try KeyedTeam([KeyedTeam.entry(key)])
        let router = try await Self.router(team)
        let stranger = try team.stranger()
        for _ in 0..<10 { #expect(try await Self.ask(router, stranger, ClientKey()).status == 401) }
        #expect(try await Self.ask(router, stranger, ClientKey()).status == 429)
        #expect(try await Self.ask(router, stranger, key).status == 200)
        await router.stop()
    }

    @Test func theSixthTokenInAMinuteWaits() async throws {
        let team = try KeyedTeam()
        let router = try await Self.router(team)
        let stranger = try team.stranger()
        for _ in 0..<5 {
            let reply = try await Self.ask(
                router, stranger, path: "/llmstack/v1/join", body: #"{"name":"x","dnsNames":[],"addresses":[]}"#,
                fields: ["authorization": "Bearer wrongsecret"])
            #expect(reply.status == 401 && reply.body.contains("unknown_token"))
        }
        let sixth = try await Self.ask(
            router, stranger, path: "/llmstack/v1/join", body: #"{"name":"x","dnsNames":[],"addresses":[]}"#,
            fields: ["authorization": "Bearer wrongsecret"])
        #expect(sixth.status == 429)
        #expect(team.desk.joins == 5)
        await router.stop()
    }

    @Test func whatIsRefusedIsWrittenDownAsThat() async throws {
        let key = ClientKey()
        let team = try KeyedTeam([KeyedTeam.entry(key)])
        let node = ScriptedNode(tiers: ["plan"])
        node.change { $0.tiers[0].state = .absent }
        let router = try await Self.router(team, node)
        let stranger = try team.stranger()
        let asks = [
            ("/v1/chat/completions", Self.chat, 503), ("/v1/chat/completions", #"{"model":"nothing"}"#, 404),
            ("/v1/chat/completions", "[]", 400), ("/v1/audio/transcriptions", "--boundary", 415),
        ]
        for (path, body, status) in asks {
            #expect(try await Self.ask(router, stranger, key, path: path, body: body).status == status)
        }
        #expect(await eventually { team.audit.records.map(\.status).sorted() == [400, 404, 415, 503] })
        await router.stop()
    }

    @Test func credentialsStopHereAndWhatIsDoneIsWrittenDown() async throws {
        let key = ClientKey()
        let team = try KeyedTeam([KeyedTeam.entry(key)])
        let router = try await Self.router(team)
        let reply = try await Self.ask(
            router, team.stranger(), key, fields: ["cookie": "a=b", "x-llmstack-client": "somebodyelse"])
        #expect(reply.status == 200)
        let asked = try #require(router.upstream.requests.first { $0.target == "/v1/chat/completions" })
        for name in ["authorization", "cookie"] { #expect(asked[name] == nil) }
        #expect(await eventually { team.audit.records.contains { $0.status == 200 } })
        let record = try #require(team.audit.records.first { $0.status == 200 })
        #expect(record.actor == key.id && record.name == "anna" && record.address == "127.0.0.1")
        #expect(record.action == "/v1/chat/completions" && record.subject == "plan")
        #expect(!"\(team.audit.records)".contains(key.text))
        await router.stop()
    }
}

/// Asks a doorkeeper something from another thread, while it looks at a key.
private final class Looks: Sendable {
    private let doorkeeper = Mutex<Doorkeeper?>(nil)
    private let answers = Mutex<[Bool]>([])

    /// Whether there was an answer, each time.
    var gotThrough: [Bool] { answers.withLock { $0 } }

    func use(_ doorkeeper: Doorkeeper) { self.doorkeeper.withLock { $0 = doorkeeper } }

    func look() {
        guard let doorkeeper = doorkeeper.withLock({ $0 }) else { return }
        let answer = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            _ = doorkeeper.set
            answer.signal()
        }
        let isThere = answer.wait(timeout: .now() + 60) == .success
        answers.withLock { $0.append(isThere) }
    }
}
