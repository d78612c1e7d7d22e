import Foundation
import RouterHarness
import Testing
import Wire

/// Bodies on their way to an upstream.
struct UploadTests {
    private static let host = RequestText.host

    @Test func anUpstreamThatDoesNotReadHoldsTheClient() async throws {
        let (listener, port) = try Socket.listening()
        let router = try await RunningRouter(upstreamPort: port)
        let client = try Socket(port: router.port)
        let offered = 64 << 20
        client.send("POST /upload HTTP/1.1\r\n\(Self.host)Content-Length: \(offered)\r\n\r\n")
        // Two sockets' buffers of the kernel's, and the router's own.
        let taken = client.send([UInt8](repeating: 120, count: offered), seconds: 1)
        #expect(taken < 32 << 20)
        // Once it reads, all arrives.
        let upstream = try #require(listener.accept())
        let rest = Thread { client.send([UInt8](repeating: 120, count: offered - taken)) }
        rest.start()
        var bytes = 0
        var head: [UInt8] = []
        while bytes < offered, let more = upstream.receive(), !more.isEmpty {
            if head.isEmpty, let end = more.firstRange(of: Array("\r\n\r\n".utf8)) {
                head = Array(more[..<end.upperBound])
                bytes -= head.count
            }
            bytes += more.count
        }
        #expect(bytes == offered)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(try client.read { $0.count >= 40 }.suffix(2) == Array("ok".utf8))
        listener.close()
        await router.stop()
    }

    @Test func anUpstreamMayAnswerBeforeItHasTheBody() async throws {
        let (listener, port) = try Socket.listening()
        let router = try await RunningRouter(upstreamPort: port)
        let client = try Socket(port: router.port)
        client.send("POST /upload HTTP/1.1\r\n\(Self.host)Content-Length: 10\r\n\r\nabc")
        let upstream = try #require(listener.accept())
        _ = try upstream.read { $0.suffix(3) == Array("abc".utf8) }
        upstream.send("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\nno")
        let early = try client.read { $0.suffix(2) == Array("no".utf8) }
        #expect(String(decoding: early, as: UTF8.self).hasPrefix("HTTP/1.1 429"))
        // The rest is nobody's request; the next one is, and goes over another connection.
        client.send("defghij" + RequestText.get("/next"))
        let other = try #require(listener.accept())
        let next = try other.read { $0.suffix(4) == Array("\r\n\r\n".utf8) }
        #expect(String(decoding: next, as: UTF8.self).hasPrefix("GET /next "))
        #expect(upstream.receive() == [])
        listener.close()
        await router.stop()
    }

    @Test(arguments: ["/upload", "/v1/completions"]) func aBodyInOneByteChunksArrivesWhole(_ path: String) async throws
    {
        let router = try await RunningRouter()
        let body = "{\"model\":\"plan\",\"prompt\":\"\(String(repeating: "é", count: 30_000))\"}"
        let reply = try router.reply(to: RequestText.chunked(path, body, size: 1, RequestText.last))
        #expect(reply?.status == 200)
        #expect(router.upstream.requests.first?.text == body)
        await router.stop()
    }

    /// A tier is known by its name wherever the body happens to be cut.
    @Test(arguments: [1, 2, 12, 100]) func aHostedTierIsKnownWhateverTheChunks(_ size: Int) async throws {
        let ini = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).ini")
        try Data("[größe]\nrole = ultra\nbackend = bedrock\naws_model_id = a.b\n".utf8).write(to: ini)
        defer { try? FileManager.default.removeItem(at: ini) }
        let router = try await RunningRouter(ini: ini)
        let body = #"{"model":"größe","prompt":"hi"}"#
        let reply = try router.reply(to: RequestText.chunked("/v1/completions", body, size: size, RequestText.last))
        #expect(reply?.status == 501)
        #expect(router.upstream.requests.isEmpty)
        await router.stop()
    }

    @Test func aBodyThatStopsComingIsNotWaitedFor() async throws {
        var limits = RequestLimits()
        limits.stalledSeconds = 1
        let router = try await RunningRouter(limits: limits)
        let socket = try Socket(port: router.port)
        socket.send("POST /v1/completions HTTP/1.1\r\n\(Self.host)Content-Length: 9\r\n\r\n{")
        #expect(try socket.reply()?.status == 408)
        #expect(router.upstream.requests.isEmpty)
        await router.stop()
    }

    @Test func aBodyThatStopsOnItsWayIsNotWaitedFor() async throws {
        var limits = RequestLimits()
        limits.stalledSeconds = 1
        let (listener, port) = try Socket.listening()
        let router = try await RunningRouter(upstreamPort: port, limits: limits)
        let client = try Socket(port: router.port)
        client.send("POST /upload HTTP/1.1\r\n\(Self.host)Content-Length: 9\r\n\r\nabc")
        let upstream = try #require(listener.accept())
        #expect(try client.reply()?.status == 408)
        // Which ends, too.
        let seen = try upstream.read(seconds: 5)
        #expect(seen.suffix(3) == Array("abc".utf8))
        listener.close()
        await router.stop()
    }

    @Test func aClientOfHTTP10IsNotToldToGoOn() async throws {
        let router = try await RunningRouter()
        let reply = try router.reply(
            to: "POST /v1/completions HTTP/1.0\r\n\(Self.host)Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")
        #expect(reply?.status == 200)
        await router.stop()
    }

    @Test(arguments: [
        ("GET", "Content-Length: 3\r\n\r\nabc"), ("DELETE", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ("POST", "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\nX-Trailer: x\r\n\r\n"),
        ("GET", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), ("OPTIONS", "Content-Length: 3\r\n\r\nabc"),
    ])
    func theUpstreamSeesOneFramingWhateverTheMethod(_ method: String, _ rest: String) async throws {
        let router = try await RunningRouter()
        let socket = try Socket(port: router.port)
        let next = "GET /next HTTP/1.1\r\n\(Self.host)Connection: close\r\n\r\n"
        socket.send("\(method) /x HTTP/1.1\r\n\(Self.host)\(rest)\(next)")
        _ = try socket.read()
        let seen = router.upstream.requests
        #expect(seen.map(\.target) == ["/x", "/next"])
        #expect(seen.map(\.text) == ["abc", ""])
        let first = try #require(seen.first)
        #expect(first.all("content-length").count + first.all("transfer-encoding").count == 1)
        #expect(first.all("host") == ["127.0.0.1:\(router.upstream.port)"])
        #expect(!first.head.contains("Trailer") && !first.head.contains(";a="))
        await router.stop()
    }

    @Test func fieldsOfOneConnectionStayThere() async throws {
        let router = try await RunningRouter { socket, _ in
            socket.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Hop, keep-alive\r\nx-hop: 1\r\nKeep-Alive: timeout=1\r\n"
                    + "X-Kept: 1\r\nX-Kept: 2\r\nLocation: http://elsewhere/\r\n\r\nok")
            return .keepOpen
        }
        var bytes = try router.exchange(
            "GET /x?a=%2f&b=c+d HTTP/1.1\r\n\(Self.host)Connection: close, X-Mine , x-other\r\nX-Mine: 1\r\nX-OTHER: 2\r\n"
                + "TE: trailers\r\nProxy-Connection: keep-alive\r\nX-Stays: a  b\r\nX-Stays: c\r\n\r\n")
        let reply = try #require(HTTPText.take(from: &bytes))
        #expect(reply["x-hop"] == nil && reply["keep-alive"] == nil)
        #expect(reply.all("x-kept") == ["1", "2"])
        #expect(reply["location"] == "http://elsewhere/")
        let seen = try #require(router.upstream.requests.first)
        #expect(seen.startLine == "GET /x?a=%2f&b=c+d HTTP/1.1")
        for name in ["x-mine", "x-other", "te", "proxy-connection", "connection", "content-length"] {
            #expect(seen[name] == nil, "\(name)")
        }
        #expect(seen.all("x-stays") == ["a  b", "c"])
        await router.stop()
    }

    /// 60 MB in which nearly every word begins like a phrase of the ladder.
    @Test func aHugeNearMissIsAnsweredAndSmallRequestsBesideIt() async throws {
        let router = try await RunningRouter()
        let text = String(repeating: "implemen fi the bu plann should w think throug ", count: (60 << 20) / 47)
        let body = "{\"model\":\"auto\",\"messages\":[{\"role\":\"user\",\"content\":\"\(text)\"}]}"
        let big = try Socket(port: router.port)
        let sender = Thread {
            big.send(RequestText.post("/v1/chat/completions", body, RequestText.last))
        }
        sender.start()
        let small = "{\"model\":\"auto\",\"prompt\":\"hi\"}"
        for _ in 0..<50 {
            let reply = try router.reply(to: RequestText.post("/v1/completions", small, RequestText.last))
            #expect(reply?.text == "ok")
        }
        #expect(String(decoding: try big.read(seconds: 30), as: UTF8.self).hasSuffix("ok"))
        let seen = router.upstream.requests
        #expect(seen.count == 51)
        let large = try #require(seen.first { $0.target == "/v1/chat/completions" })
        #expect(large.body.count == body.utf8.count + "code-fast".utf8.count - "auto".utf8.count)
        await router.stop()
    }
}
