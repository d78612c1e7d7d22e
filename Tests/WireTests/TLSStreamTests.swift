import Cluster
import NIOCore
import RouterHarness
import Synchronization
import Testing
import Wire

/// Bodies and streams over two hops with TLS, and what becomes of their exchanges.
@Suite(.timeLimit(.minutes(3)))
struct TLSStreamTests {
    /// A client, a router that sends everything on, and the one that answers.
    private struct Chain {
        let near: PeerRouter
        let far: PeerRouter
        let nearServer: LoneServer
        let farServer: LoneServer
        /// Of the near one's `/next`.
        let endpoint: Endpoint

        init(eventCount: Int = .max) async throws {
            let authority = try TestAuthority()
            far = PeerRouter(eventCount: eventCount)
            farServer = try await LoneServer(far, tls: authority.identity("node-far"))
            let near = try authority.identity("node-near")
            self.near = PeerRouter(next: Self.endpoint(farServer, near, "node-far"))
            nearServer = try await LoneServer(self.near, tls: near)
            endpoint = Self.endpoint(nearServer, try authority.identity("node-client"), "node-near")
        }

        private static func endpoint(_ server: LoneServer, _ identity: TLSIdentity, _ node: String) -> Endpoint {
            Endpoint(host: "127.0.0.1", port: server.port, security: .tls(identity, expected: NodeID(node)))
        }

        func events() -> EventStream {
            EventStreamClient(endpoint: endpoint, path: "/next/events", timeout: .seconds(30)).events()
        }

        func stop() async {
            await nearServer.stop()
            await farServer.stop()
        }

        /// Whether each exchange that was begun comes to be over, and none twice.
        func areOver(_ count: Int) async -> Bool {
            let areOver = await eventually {
                near.ended.load(ordering: .relaxed) >= count && far.ended.load(ordering: .relaxed) >= count
            }
            return areOver
                && [near, far].allSatisfy {
                    $0.begun.load(ordering: .relaxed) == count && $0.ended.load(ordering: .relaxed) == count
                }
        }
    }

    @Test func `A large reply arrives whole`() async throws {
        let chain = try await Chain()
        let reply = try await HTTPProbe.ask(
            "GET", at: chain.endpoint, path: "/next/big", timeout: .seconds(60))
        #expect(reply.status == 200)
        let expected = (0..<PeerRouter.bigCount).flatMap { [UInt8](repeating: UInt8($0 % 251), count: 64 << 10) }
        #expect(reply.body == expected)
        #expect(await chain.areOver(1))
        await chain.stop()
    }

    @Test func `A large body arrives whole`() async throws {
        let authority = try TestAuthority()
        let upstream = try ScriptedUpstream()
        let far = try await LoneServer(
            PeerRouter(next: Endpoint(host: "127.0.0.1", port: upstream.port)), tls: authority.identity("node-far"))
        let security = Endpoint.Security.tls(try authority.identity("node-near"), expected: NodeID("node-far"))
        let near = try await LoneServer(
            PeerRouter(next: Endpoint(host: "127.0.0.1", port: far.port, security: security)),
            tls: authority.identity("node-near"))
        let body = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let endpoint = Endpoint(
            host: "127.0.0.1", port: near.port, security: .tls(try authority.identity(nil), expected: nil))
        let reply = try await HTTPProbe.ask(
            "POST", at: endpoint, path: "/next", body: body, timeout: .seconds(60))
        #expect(reply.status == 200)
        #expect(upstream.requests.first?.body == body)
        await near.stop()
        await far.stop()
        upstream.stop()
    }

    @Test func `Events come over TLS, to the last`() async throws {
        let chain = try await Chain(eventCount: 20)
        var count = 0
        for try await event in chain.events() {
            #expect(event.data.utf8.count == 64 << 10)
            count += 1
        }
        #expect(count == 20)
        #expect(await chain.areOver(1))
        await chain.stop()
    }

    @Test func `The exchange of a client that leaves is over once, and its upstream stops`() async throws {
        let chain = try await Chain()
        let (came, coming) = AsyncStream.makeStream(of: Void.self)
        let stream = chain.events()
        let taker = Task { for try await _ in stream { coming.yield() } }
        for await _ in came { break }
        #expect(chain.near.ended.load(ordering: .relaxed) == 0)
        taker.cancel()
        _ = await taker.result
        #expect(await chain.areOver(1))
        await chain.stop()
    }

    @Test func `Each of several exchanges over one connection is over once`() async throws {
        let router = PeerRouter()
        let server = try await LoneServer(router)
        try await onThread {
            let socket = try Socket(port: server.port)
            // Pipelined, then one whose head is refused before anybody is asked to admit it.
            socket.send(String(repeating: RequestText.get("/"), count: 3) + RequestText.post("/collected", "{}"))
            socket.send("GET / HTTP/1.1\r\n\r\n")
            _ = try socket.read()
        }
        let areOver = await eventually { router.ended.load(ordering: .relaxed) == 4 }
        #expect(areOver)
        #expect(router.begun.load(ordering: .relaxed) == 4)
        await server.stop()
        #expect(router.ended.load(ordering: .relaxed) == 4)
    }

    @Test(arguments: [false, true])
    func `A connection that is cut ends its stream at once`(byUpstream: Bool) async throws {
        let chain = try await Chain()
        let events = chain.events().makeAsyncIterator()
        _ = try await events.next()
        let handles = (byUpstream ? chain.far : chain.near).handles.withLock { $0 }
        #expect(Set(handles).count == 1)
        for handle in handles { handle.cut() }
        await #expect(throws: EventStreamClient.Failure.self) {
            while try await events.next() != nil {}
        }
        #expect(await chain.areOver(1))
        // It is gone, and the handle does nothing more.
        for handle in handles { handle.cut() }
        await chain.stop()
    }

    @Test func `A slow reader slows the sender down, over every hop`() async throws {
        let chain = try await Chain()
        let events = chain.events().makeAsyncIterator()
        for _ in 0..<5 { _ = try await events.next() }
        // It fills what the kernel and both hops hold, and then stands still.
        var (last, looks) = (-1, 0)
        let standsStill = await eventually {
            let now = chain.far.sent.load(ordering: .relaxed)
            looks = now == last ? looks + 1 : 0
            last = now
            return looks > 100 || now > 128 << 20
        }
        #expect(standsStill)
        #expect(last < 64 << 20, "\(last) bytes were taken from the sender")
        // And goes on as soon as there is room.
        for _ in 0..<(last >> 16) + 100 { _ = try await events.next() }
        #expect(chain.far.sent.load(ordering: .relaxed) > last)
        await chain.stop()
    }

    /// The server half-closes and reads on for a while, so that nothing overtakes its reply.
    @Test func `A reply to a body that nobody reads comes through`() async throws {
        let authority = try TestAuthority()
        let server = try await LoneServer(PeerRouter(), tls: authority.identity("node-box"))
        let endpoint = Endpoint(
            host: "127.0.0.1", port: server.port, security: .tls(try authority.identity("node-den"), expected: nil))
        for _ in 0..<10 {
            let reply = try await HTTPProbe.ask(
                "POST", at: endpoint, path: "/", body: [UInt8](repeating: 0x61, count: 3 << 20), timeout: .seconds(30))
            #expect(String(decoding: reply.body, as: UTF8.self) == "spiffe://cluster-1/node/node-den at 127.0.0.1")
        }
        await server.stop()
    }
}
