import RouterHarness
import Testing
import Wire

/// The last bytes of a reply arrive, whatever ends the connection after them.
struct EndOfReplyTests {
    private static let host = "Host: 127.0.0.1\r\n"
    private static let size = 8 << 20

    @Test(arguments: [
        ("GET /big HTTP/1.1\r\n\(host)Connection: close\r\n\r\n", "Content-Length: \(size)\r\n"),
        ("GET /big HTTP/1.0\r\n\(host)\r\n", "Content-Length: \(size)\r\n"),
        ("GET /big HTTP/1.0\r\n\(host)\r\n", ""),
    ])
    func aSlowReaderOfALastReplyGetsAllOfIt(_ request: String, _ framing: String) async throws {
        let router = try await RunningRouter { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\n\(framing)\r\n")
            socket.send([UInt8](repeating: 120, count: Self.size))
            return .close
        }
        for _ in 0..<5 {
            let bytes = try router.exchange(request)
            let head = try #require(bytes.firstRange(of: Array("\r\n\r\n".utf8)))
            #expect(bytes.count - head.upperBound == Self.size)
        }
        await router.stop()
    }

    @Test func aRefusalIsReadThoughTheClientSendsOn() async throws {
        let router = try await RunningRouter()
        let socket = try Socket(port: router.port)
        // More than any buffer of the kernel's holds: without the router reading on, it would end in a reset.
        socket.send("GET /x HTTP/1.1\r\n\(Self.host)X: ")
        socket.send([UInt8](repeating: 120, count: 24 << 20))
        var bytes = try socket.read()
        #expect(HTTPText.take(from: &bytes)?.status == 431)
        #expect(router.upstream.requests.isEmpty)
        await router.stop()
    }

    @Test(arguments: ["GET", "HEAD"]) func garbageAfterAReplyIsAnsweredToo(_ method: String) async throws {
        let router = try await RunningRouter { socket, request in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\(request.method == "HEAD" ? "" : "ok")")
            return .keepOpen
        }
        let socket = try Socket(port: router.port)
        socket.send("\(method) /x HTTP/1.1\r\n\(Self.host)\r\n")
        var first = try socket.read { bytes in
            var bytes = bytes
            return HTTPText.take(from: &bytes, hasNoBody: method == "HEAD") != nil
        }
        #expect(HTTPText.take(from: &first, hasNoBody: method == "HEAD")?.status == 200)
        socket.send("what?\r\n\r\n")
        var bytes = try socket.read()
        let refusal = try #require(HTTPText.take(from: &bytes))
        #expect(refusal.status == 400)
        #expect(refusal.text.contains("invalid_request"))
        await router.stop()
    }

    /// The request before the fault is whole, and its reply is the client's.
    @Test(arguments: [
        "what?\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func garbageBehindARequestDoesNotCostItsReply(_ garbage: String) async throws {
        let router = try await RunningRouter()
        var bytes = try router.exchange("GET /x HTTP/1.1\r\n\(Self.host)\r\n\(garbage)")
        #expect(HTTPText.take(from: &bytes)?.text == "ok")
        #expect(HTTPText.take(from: &bytes)?.status == 400)
        #expect(bytes.isEmpty)
        #expect(router.upstream.requests.map(\.target) == ["/x"])
        await router.stop()
    }

    @Test func aStopLetsRepliesInHandBeReadToTheirEnd() async throws {
        let router = try await RunningRouter { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.size)\r\n\r\n")
            socket.send([UInt8](repeating: 120, count: Self.size))
            return .keepOpen
        }
        let client = try Socket(port: router.port)
        client.send("GET /big HTTP/1.1\r\n\(Self.host)\r\n")
        let first = try client.read { $0.count > 1000 }
        let stopping = Task { await router.stop(grace: 10_000) }
        let isRefused = await router.takesNobodyNew()
        #expect(isRefused)
        // The stop needs the thread that a wait here would keep.
        let bytes = try await onThread { try first + client.read() }
        await stopping.value
        let head = try #require(bytes.firstRange(of: Array("\r\n\r\n".utf8)))
        #expect(bytes.count - head.upperBound == Self.size)
    }

    @Test(arguments: ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"])
    func aReplyWithoutABodyIsFollowedByTheNext(_ answer: String) async throws {
        let router = try await RunningRouter { socket, request in
            socket.send(request.target == "/first" ? answer : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return .keepOpen
        }
        var bytes = try router.exchange(
            "GET /first HTTP/1.1\r\n\(Self.host)\r\nGET /second HTTP/1.1\r\n\(Self.host)Connection: close\r\n\r\n")
        let first = try #require(HTTPText.take(from: &bytes))
        #expect(answer.contains(String(first.status)))
        #expect(first["transfer-encoding"] == nil && first["content-length"] == nil)
        #expect(HTTPText.take(from: &bytes)?.text == "ok")
        await router.stop()
    }

    @Test func aReplyToHEADHasItsLengthAndNoBody() async throws {
        let router = try await RunningRouter { socket, request in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\(request.method == "HEAD" ? "" : "nine byte")")
            return .keepOpen
        }
        var bytes = try router.exchange(
            "HEAD /a HTTP/1.1\r\n\(Self.host)\r\nGET /b HTTP/1.1\r\n\(Self.host)Connection: close\r\n\r\n")
        let head = try #require(HTTPText.take(from: &bytes, hasNoBody: true))
        #expect(head["content-length"] == "9")
        #expect(HTTPText.take(from: &bytes)?.text == "nine byte")
        await router.stop()
    }
}
