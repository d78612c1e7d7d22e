import Foundation
import RouterHarness
import Testing
import Wire

/// Connections on both sides: kept, ended, slow, gone.
struct ConnectionTests {
    private static let host = RequestText.host
    private static let completion = RequestText.post("/v1/completions", "{}")
    private static let last = RequestText.get("/x", RequestText.last)

    @Test func requestsInOnePieceAreAnsweredInOrder() async throws {
        let router = try await RunningRouter { socket, request in
            let body = "[\(request.target)]"
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            return .keepOpen
        }
        var bytes = try router.exchange(
            RequestText.get("/a") + Self.completion + RequestText.get("/c") + RequestText.get("/models.ini")
                + RequestText.get("/e", RequestText.last))
        var replies: [String] = []
        while let reply = HTTPText.take(from: &bytes) { replies.append(reply.status == 404 ? "404" : reply.text) }
        #expect(replies == ["[/a]", "[/v1/completions]", "[/c]", "404", "[/e]"])
        #expect(router.upstream.connections == 1)
        await router.stop()
    }

    @Test func aBodyMayComeByteByByte() async throws {
        let router = try await RunningRouter()
        let body = "5\r\n{\"mod\r\n3;x=y\r\nel\"\r\n2\r\n:\"\r\n6\r\nauto\"}\r\n0\r\nTrailer: x\r\n\r\n"
        let socket = try Socket(port: router.port)
        for byte
            in "POST /v1/completions HTTP/1.1\r\n\(Self.host)Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n\(body)"
            .utf8
        {
            socket.send([byte])
        }
        var bytes = try socket.read()
        #expect(HTTPText.take(from: &bytes)?.status == 200)
        let seen = try #require(router.upstream.requests.first)
        #expect(seen.text == #"{"model":"code-smart"}"#)
        #expect(seen["content-length"] == "22")
        #expect(seen.all("transfer-encoding").isEmpty)
        #expect(seen.all("host").count == 1)
        await router.stop()
    }

    @Test func aClientThatAsksFirstIsToldToGoOn() async throws {
        let router = try await RunningRouter()
        let socket = try Socket(port: router.port)
        socket.send(
            "POST /v1/completions HTTP/1.1\r\n\(Self.host)Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        )
        var first = try socket.read { $0.count >= 25 }
        #expect(HTTPText.take(from: &first)?.status == 100)
        socket.send("{}")
        var bytes = try socket.read()
        #expect(HTTPText.take(from: &bytes)?.status == 200)
        #expect(router.upstream.requests.first?["expect"] == nil)
        await router.stop()
    }

    @Test(arguments: [
        ("GET /x HTTP/1.0\r\n\(host)\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        (
            "GET /x HTTP/1.1\r\n\(host)Connection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        ),
        ("GET /x HTTP/1.1\r\n\(host)Connection: close\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        ("GET /x HTTP/1.1\r\n\(host)Connection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nok"),
        ("GET /x HTTP/1.0\r\n\(host)\r\n", "HTTP/1.0 200 OK\r\n\r\nok"),
    ])
    func everyFramingOfAReplyComesThrough(_ request: String, _ answer: String) async throws {
        let router = try await RunningRouter(answer: ScriptedUpstream.always(answer, .close))
        let reply = try #require(try router.reply(to: request, endsWithConnection: true))
        #expect(reply.text == "ok")
        if request.contains("HTTP/1.0") { #expect(reply["transfer-encoding"] == nil) }
        await router.stop()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ])
    func aReplyThatBreaksOffIsCutAndNotEnded(_ answer: String) async throws {
        let router = try await RunningRouter(answer: ScriptedUpstream.always(answer, .close))
        let bytes = try router.exchange(RequestText.get("/x"))
        var copy = bytes
        #expect(HTTPText.take(from: &copy) == nil)
        #expect(String(decoding: bytes, as: UTF8.self).contains("abc"))
        await router.stop()
    }

    @Test(arguments: ["", "garbage\r\n\r\n"]) func anUpstreamThatSaysNothingUsefulIsABadGateway(_ answer: String)
        async throws
    {
        let router = try await RunningRouter(answer: ScriptedUpstream.always(answer, .close))
        #expect(try router.reply(to: Self.last)?.status == 502)
        await router.stop()
    }

    /// llama-swap may end an idle connection at the moment at which the router uses it again.
    @Test func aKeptConnectionThatWasEndedIsNoticedAndTheRequestSentOnceMore() async throws {
        let router = try await RunningRouter()
        for _ in 0..<20 {
            router.upstream.answer(
                ScriptedUpstream.always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .close))
            let reply = try router.reply(to: RequestText.post("/v1/completions", "{}", RequestText.last))
            #expect(reply?.status == 200)
        }
        #expect(router.upstream.requests.count == 20)
        await router.stop()
    }

    @Test(arguments: [true, false]) func aClientThatLeavesEndsItsUpstreamRequest(_ hasReply: Bool) async throws {
        let (ends, end) = AsyncStream.makeStream(of: Bool.self)
        let router = try await RunningRouter { socket, _ in
            if hasReply { socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n") }
            end.yield(socket.receive() == [])
            end.finish()
            return .close
        }
        let client = try Socket(port: router.port)
        client.send(Self.completion)
        let reached = await eventually { router.upstream.requests.count == 1 }
        #expect(reached)
        if hasReply { _ = client.receive() }
        client.close()
        var hasEnded = false
        for await isEnd in ends { hasEnded = isEnd }
        #expect(hasEnded)
        await router.stop()
    }

    @Test func aClientThatLeavesEndsWhatTheRouterAsksForIt() async throws {
        let (ends, end) = AsyncStream.makeStream(of: Bool.self)
        let router = try await RunningRouter { socket, _ in
            end.yield(socket.receive() == [])
            end.finish()
            return .close
        }
        let client = try Socket(port: router.port)
        client.send(RequestText.get("/v1/models"))
        let reached = await eventually { router.upstream.requests.count == 1 }
        #expect(reached)
        client.close()
        var hasEnded = false
        for await isEnd in ends { hasEnded = isEnd }
        #expect(hasEnded)
        await router.stop()
    }

    @Test func aClientThatDoesNotReadHoldsTheUpstreamAndNobodyElse() async throws {
        let offered = 160 << 20
        let (counts, count) = AsyncStream.makeStream(of: Int.self)
        let router = try await RunningRouter { socket, request in
            guard request.target == "/big" else { return ScriptedUpstream.ok(socket, request) }
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(offered)\r\n\r\n")
            count.yield(socket.send([UInt8](repeating: 120, count: offered), seconds: 1))
            count.finish()
            return .close
        }
        let stalled = try Socket(port: router.port)
        stalled.send(RequestText.get("/big"))
        var taken = offered
        for await bytes in counts { taken = bytes }
        // The kernel's buffers of four sockets, of which those that receive may grow to 32 MB each, and the router's own;
        // without backpressure it would be all of it.
        #expect(taken < 96 << 20)
        #expect(try router.reply(to: Self.last)?.text == "ok")
        await router.stop()
    }

    @Test func aStreamedBodyIsFollowedByTheNextRequest() async throws {
        let router = try await RunningRouter()
        let socket = try Socket(port: router.port)
        socket.send(
            "POST /upload HTTP/1.1\r\n\(Self.host)Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /y HTTP/1.1\r\n\(Self.host)Connection: close\r\n\r\n"
        )
        var bytes = try socket.read()
        #expect(HTTPText.take(from: &bytes)?.status == 200)
        #expect(HTTPText.take(from: &bytes)?.status == 200)
        #expect(router.upstream.requests.map(\.text) == ["abc", ""])
        await router.stop()
    }

    @Test func aHeadThatNeverEndsIsNotWaitedFor() async throws {
        var limits = RequestLimits()
        limits.headSeconds = 1
        let router = try await RunningRouter(limits: limits)
        let socket = try Socket(port: router.port)
        socket.send("GET /x HTTP/1.1\r\nHost: ")
        let refusal = try #require(try socket.reply())
        #expect(refusal.status == 408)
        #expect(refusal.text.contains(#""code":"request_timeout""#))
        #expect(try socket.read(seconds: 5).isEmpty)
        // The same on a connection that has had a request.
        let second = try Socket(port: router.port)
        second.send(RequestText.get("/x"))
        _ = try second.reply()
        second.send("GET /y")
        #expect(try second.reply()?.status == 408)
        await router.stop()
    }

    @Test func aConnectionThatSaysNothingIsClosedWithoutAWord() async throws {
        var limits = RequestLimits()
        limits.headSeconds = 1
        let router = try await RunningRouter(limits: limits)
        #expect(try Socket(port: router.port).read(seconds: 5).isEmpty)
        await router.stop()
    }

    @Test func connectionsBeyondTheLimitAreTurnedAway() async throws {
        var limits = RequestLimits()
        limits.connections = 2
        let router = try await RunningRouter(limits: limits)
        let open = try (0..<2).map { _ in try Socket(port: router.port) }
        for socket in open {
            socket.send(RequestText.get("/x"))
            _ = try socket.reply()
        }
        // Whether it has asked for anything or not.
        for request in ["", RequestText.get("/x")] {
            let socket = try Socket(port: router.port)
            socket.send(request)
            let refusal = try #require(try socket.reply())
            #expect(refusal.status == 503)
            #expect(refusal["retry-after"] == "1")
            #expect(refusal.text.contains(#""code":"overloaded""#))
            #expect(try socket.read(seconds: 5).isEmpty)
        }
        open[0].close()
        let isFree = await eventually {
            (try? router.reply(to: Self.last))?.status == 200
        }
        #expect(isFree)
        await router.stop()
    }

    @Test func aStopLetsAReplyFinishAndTakesNobodyNew() async throws {
        let (go, proceed) = AsyncStream.makeStream(of: Void.self)
        let router = try await RunningRouter { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            proceed.yield()
            return .keepOpen
        }
        let client = try Socket(port: router.port)
        client.send(RequestText.get("/x"))
        for await _ in go { break }
        let idle = try Socket(port: router.port)
        idle.send(RequestText.get("/models.ini"))
        _ = try idle.reply()
        let stopping = Task { await router.stop(grace: 300) }
        let isRefused = await router.takesNobodyNew()
        #expect(isRefused)
        await stopping.value
        #expect(try idle.read(seconds: 5).isEmpty)
        // The reply never ends, so the grace does.
        let rest = try client.read(seconds: 5)
        #expect(String(decoding: rest, as: UTF8.self).contains("abc"))
    }
}
