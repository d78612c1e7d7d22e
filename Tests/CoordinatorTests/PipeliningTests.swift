import RouterHarness
import Testing
import Wire

/// Many requests at once from one client.
struct PipeliningTests {
    private static let foreign = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    /// The first takes a while, so that the others wait in line behind it.
    @Test func thousandsOfRequestsBehindOneAreAllAnswered() async throws {
        let router = try await RunningRouter { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"data\":[]}")
            return .keepOpen
        }
        let count = 8000
        let socket = try Socket(port: router.port)
        socket.send(
            "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n" + String(repeating: Self.foreign, count: count)
                + "GET /models.ini HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let text = String(decoding: try socket.read(), as: UTF8.self)
        let statuses = text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
        #expect(statuses == ["200"] + [Substring](repeating: "403", count: count) + ["404"])
        await router.stop()
    }

    /// Answers that nobody takes must not pile up in the router.
    @Test func aClientThatOnlyAsksIsNoLongerRead() async throws {
        let router = try await RunningRouter()
        let socket = try Socket(port: router.port)
        let requests = [UInt8](String(repeating: Self.foreign, count: 1 << 20).utf8)
        #expect(socket.send(requests, seconds: 1) < requests.count)
        let next = try router.exchange("GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        #expect(String(decoding: next, as: UTF8.self).hasSuffix("ok"))
        // Once it takes them, it is read again.
        var taken = 0
        while taken < 16 << 20, let more = socket.receive(), !more.isEmpty { taken += more.count }
        #expect(taken >= 16 << 20)
        await router.stop()
    }
}
