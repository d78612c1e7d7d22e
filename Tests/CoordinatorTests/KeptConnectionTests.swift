import RouterHarness
import Testing
import Wire

/// Connections to the upstream that serve more than one request.
struct KeptConnectionTests {
    private static let first = RequestText.get("/first")
    private static let completion = RequestText.post("/v1/completions", "{}")
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    /// What a request did is unknown once a byte of its reply has come: sending it again could do it twice.
    @Test(arguments: ["HTTP/1.1 2", "HTTP/1.1 200 OK\r\nX: ", "garbage\r\n\r\n"])
    func aRequestWhoseReplyHasBegunIsNotSentAgain(_ beginning: String) async throws {
        let router = try await RunningRouter { socket, request in
            socket.send(request.target == "/first" ? Self.ok : beginning)
            return request.target == "/first" ? .keepOpen : .close
        }
        let replies = try router.replies(to: [Self.first, Self.completion])
        #expect(replies.map { $0?.status } == [200, 502])
        #expect(router.upstream.requests.map(\.target) == ["/first", "/v1/completions"])
        #expect(router.upstream.connections == 1)
        await router.stop()
    }

    @Test func aRequestThatNobodyAnsweredOnAKeptConnectionIsSentOnceMoreAndNoMore() async throws {
        let router = try await RunningRouter { socket, request in
            guard request.target == "/first" else { return .close }
            socket.send(Self.ok)
            return .keepOpen
        }
        let replies = try router.replies(to: [Self.first, Self.completion])
        #expect(replies.map { $0?.status } == [200, 502])
        #expect(router.upstream.requests.map(\.target) == ["/first", "/v1/completions", "/v1/completions"])
        await router.stop()
    }

    @Test(arguments: [true, false]) func bytesBehindAReplyAreNobodysReply(_ inOnePiece: Bool) async throws {
        let router = try await RunningRouter { socket, request in
            let extra = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
            socket.send(Self.ok + (request.target == "/first" ? extra : ""))
            return .keepOpen
        }
        let second = RequestText.get("/second")
        let socket = try Socket(port: router.port)
        socket.send(Self.first + (inOnePiece ? second : ""))
        let one = try socket.read { $0.suffix(2) == Array("ok".utf8) }
        if !inOnePiece { socket.send(second) }
        var both =
            try one
            + socket.read { more in
                String(decoding: one + more, as: UTF8.self).split(separator: "200 OK").count > 2
            }
        #expect(HTTPText.take(from: &both)?.text == "ok")
        #expect(HTTPText.take(from: &both)?.text == "ok")
        await router.stop()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz",
    ])
    func aReplyThatCouldBeReadInTwoWaysIsNotPassedOn(_ answer: String) async throws {
        let router = try await RunningRouter(answer: ScriptedUpstream.always(answer, .close))
        var bytes = try router.exchange(RequestText.get("/x", RequestText.last))
        // Refused outright, or cut where the fault shows.
        if let reply = HTTPText.take(from: &bytes) { #expect(reply.status == 502) }
        #expect(!String(decoding: bytes, as: UTF8.self).contains("ok"))
        await router.stop()
    }

    @Test(arguments: ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"])
    func whatComesBeforeAReplyIsNotTheReply(_ before: String) async throws {
        let router = try await RunningRouter(answer: ScriptedUpstream.always(before + Self.ok))
        let replies = try router.replies(to: [Self.first, Self.first])
        #expect(replies.map { $0?.text } == ["ok", "ok"])
        #expect(router.upstream.connections == 1)
        await router.stop()
    }
}
