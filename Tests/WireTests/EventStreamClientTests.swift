import RouterHarness
import Synchronization
import Testing
import Wire

@Suite(.timeLimit(.minutes(3)))
struct EventStreamClientTests {
    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

    private func client(
        _ upstream: ScriptedUpstream, path: String = "/events", fields: Fields = Fields(),
        timeout: Duration = .seconds(10), eventLimit: Int = 1 << 20
    ) -> EventStreamClient {
        let endpoint = Endpoint(host: "127.0.0.1", port: upstream.port, prefix: "/base")
        return EventStreamClient(
            endpoint: endpoint, path: path, fields: fields, timeout: timeout, eventLimit: eventLimit)
    }

    private func all(_ client: EventStreamClient) async throws -> [String] {
        var events: [String] = []
        for try await event in client.events() { events.append("\(event.name)=\(event.data)") }
        return events
    }

    static let framings = [
        head + "Transfer-Encoding: chunked\r\n\r\n"
            + "9\r\ndata: a\n\n\r\n7\r\nevent: \r\n5\r\nx\ndat\r\n6\r\na: b\n\n\r\n0\r\n\r\n",
        head + "Content-Length: 27\r\n\r\ndata: a\n\nevent: x\ndata: b\n\n",
        head + "\r\ndata: a\n\nevent: x\ndata: b\n\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n" + head + "\r\ndata: a\n\nevent: x\ndata: b\n\n",
    ]

    @Test(arguments: framings)
    func `Events come however the body is framed`(reply: String) async throws {
        let upstream = try ScriptedUpstream { socket, _ in
            socket.send(reply)
            return .close
        }
        #expect(try await all(client(upstream, fields: ["x-a": "1"])) == ["message=a", "x=b"])
        let request = try #require(upstream.requests.first)
        #expect(request.startLine == "GET /base/events HTTP/1.1")
        #expect(request["accept"] == "text/event-stream")
        #expect(request["x-a"] == "1")
        #expect(request["host"] == "127.0.0.1:\(upstream.port)")
    }

    @Test(arguments: [
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", EventStreamClient.Failure.status(503)),
        ("HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", .status(301)),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi",
            .noEvents("text/html")
        ),
    ])
    func `Another reply is an error that says what came`(
        reply: String, failure: EventStreamClient.Failure
    ) async throws {
        let upstream = try ScriptedUpstream { socket, _ in
            socket.send(reply)
            return .keepOpen
        }
        await #expect(throws: failure) { try await all(client(upstream)) }
    }

    @Test func `A stream that breaks off is an error after its events`() async throws {
        let upstream = try ScriptedUpstream { socket, _ in
            socket.send(Self.head + "Content-Length: 100\r\n\r\ndata: a\n\n")
            return .close
        }
        var events: [String] = []
        do {
            for try await event in client(upstream).events() { events.append(event.data) }
            Issue.record("the stream ended as if it were whole")
        } catch EventStreamClient.Failure.broken {
            #expect(events == ["a"])
        }
    }

    @Test func `An event without an end ends the stream`() async throws {
        let upstream = try ScriptedUpstream { socket, _ in
            socket.send(Self.head + "\r\ndata: " + String(repeating: "a", count: 5000))
            return .keepOpen
        }
        await #expect(throws: EventStreamClient.Failure.tooLong(4096)) {
            try await all(client(upstream, eventLimit: 4096))
        }
    }

    @Test func `A server that says nothing is given up`() async throws {
        let upstream = try ScriptedUpstream { _, _ in .keepOpen }
        await #expect(throws: EventStreamClient.Failure.timedOut) {
            try await all(client(upstream, timeout: .milliseconds(50)))
        }
    }

    @Test func `Where nothing listens there is no connection`() async {
        let client = EventStreamClient(endpoint: Endpoint(host: "127.0.0.1", port: 1), path: "/")
        await #expect(throws: EventStreamClient.Failure.unreachable("connection refused")) { try await all(client) }
    }

    @Test func `Whoever is cancelled leaves the server at once`() async throws {
        let (left, leaving) = AsyncStream.makeStream(of: Bool.self)
        let upstream = try ScriptedUpstream { socket, _ in
            socket.send(Self.head + "\r\ndata: a\n\n")
            // The client's end of the connection is all that can come now.
            leaving.yield(socket.receive(seconds: 30) != nil)
            return .close
        }
        let (came, coming) = AsyncStream.makeStream(of: Void.self)
        let stream = client(upstream).events()
        let taker = Task {
            for try await _ in stream { coming.yield() }
        }
        for await _ in came { break }
        taker.cancel()
        for await hasLeft in left {
            #expect(hasLeft)
            break
        }
        _ = await taker.result
    }

    @Test func `A server is read no faster than its events are taken`() async throws {
        let sent = Mutex(0)
        let portion = "data: " + String(repeating: "a", count: 64 << 10) + "\n\n"
        let upstream = try ScriptedUpstream { socket, _ in
            socket.send(Self.head + "\r\n")
            for _ in 0..<1000 {
                socket.send(portion)
                sent.withLock { $0 += 1 }
            }
            return .close
        }
        var count = 0
        for try await event in client(upstream).events() {
            #expect(event.data.utf8.count == 64 << 10)
            count += 1
            // 64 MB are on offer; what the kernel and the client hold is a part of them.
            if count == 5 { #expect(sent.withLock { $0 } < 900) }
        }
        #expect(count == 1000)
    }
}
