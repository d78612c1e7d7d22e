import Foundation
import RouterHarness
import Testing
import Wire

/// The recorded behaviour of the router between a client and llama-swap, in Fixtures/proxy.json and
/// Fixtures/routing_malformed.jsonl. Where a case has `want`, that is better than what was recorded, and holds.
struct ProxyVectorTests {
    struct Vector: @unchecked Sendable, CustomTestStringConvertible {
        // JSON objects are read only; nothing changes them after they are parsed.
        let object: [String: Any]

        var name: String { object["name"] as? String ?? "?" }
        var testDescription: String { name }

        subscript(_ key: String) -> Any? { (object["want"] as? [String: Any])?[key] ?? object[key] }
    }

    private static func fixture(_ name: String) -> Data? {
        RoutingVectorTests.fixtures.flatMap { try? Data(contentsOf: $0.appendingPathComponent(name)) }
    }

    static let vectors: [Vector] =
        fixture("proxy.json").flatMap { try? JSONSerialization.jsonObject(with: $0) as? [[String: Any]] }?
        .map { Vector(object: $0) } ?? []

    static let malformed: [Vector] =
        fixture("routing_malformed.jsonl").map { String(decoding: $0, as: UTF8.self) }?.split(separator: "\n")
        .compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
        .map { Vector(object: $0) } ?? []

    /// What HTTP libraries set as they please.
    private static let free: Set<String> = [
        "date", "server", "host", "content-length", "connection", "transfer-encoding",
    ]

    @Test func everyVectorIsRead() {
        #expect(Self.vectors.count == 57)
        #expect(Self.malformed.count == 6)
    }

    private func router(_ vector: Vector) async throws -> RunningRouter {
        let ini = try (vector.object["models_ini"] as? String).map {
            try #require(RoutingVectorTests.fixtures).appendingPathComponent("inis/\($0)")
        }
        return try await RunningRouter(
            ini: ini, environment: vector.object["env"] as? [String: String] ?? [:],
            upstreamIsDown: vector.object["upstream_reply"] as? String == "down")
    }

    private func send(_ method: String, _ path: String, _ fields: [[String]], _ body: [UInt8], to port: Int) throws
        -> HTTPText
    {
        let socket = try Socket(port: port)
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        for field in fields { head += "\(field[0]): \(field[1])\r\n" }
        if !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        socket.send(Array("\(head)\r\n".utf8) + body)
        var bytes = try socket.read()
        return try #require(HTTPText.take(from: &bytes, endsWithConnection: true, hasNoBody: method == "HEAD"))
    }

    @Test(arguments: vectors) func theRouterDoesAsRecorded(_ vector: Vector) async throws {
        let router = try await router(vector)
        if let reply = vector.object["upstream_reply"] as? [String: Any] {
            let fields = (reply["headers"] as? [[String]] ?? []).map { "\($0[0]): \($0[1])\r\n" }.joined()
            let status = reply["status"] as? Int ?? 200
            let body = Array((reply["body"] as? String ?? "").utf8)
            router.upstream.answer { socket, request in
                let bodiless = request.method == "HEAD" || status == 204
                let length = status == 204 ? "" : "Content-Length: \(body.count)\r\n"
                socket.send(Array("HTTP/1.1 \(status) X\r\n\(fields)\(length)\r\n".utf8) + (bodiless ? [] : body))
                return .keepOpen
            }
        }
        let request = try #require(vector.object["request"] as? [String: Any])
        let sent = request["headers"] as? [[String]] ?? []
        let body = bytes(of: request) ?? []
        let reply = try send(
            request["method"] as? String ?? "", request["path"] as? String ?? "", sent, body, to: router.server.port)

        let seen = router.upstream.requests
        if let expected = vector["expected_upstream_request"] as? [String: Any] {
            #expect(seen.count == 1)
            let first = try #require(seen.first)
            #expect(first.method == expected["method"] as? String)
            #expect(first.target == expected["path"] as? String)
            let names = Set(sent.map { $0[0].lowercased() })
            check(
                expected, first,
                besides: Self.free.union(["accept", "accept-encoding", "user-agent"].filter { !names.contains($0) }))
            if expected["verbatim"] as? Bool == true { #expect(first.body == body) }
        } else {
            #expect(seen.isEmpty)
        }
        let expected = try #require(vector["expected_client_reply"] as? [String: Any])
        #expect(reply.status == expected["status"] as? Int)
        check(expected, reply, besides: Self.free)
        if expected["body_equals_ini"] != nil, let ini = vector.object["models_ini"] as? String {
            #expect(Data(reply.body) == Self.fixture("inis/\(ini)"))
        }
        await router.stop()
    }

    @Test(arguments: malformed) func aMalformedBodyIsRefusedAndTheRouterServesOn(_ vector: Vector) async throws {
        let router = try await router(vector)
        let body = Array((vector.object["raw"] as? String ?? "").utf8)
        for _ in 0..<2 {
            let reply = try send("POST", vector.object["path"] as? String ?? "", [], body, to: router.server.port)
            #expect(reply.status == 400)
            let json = try JSONSerialization.jsonObject(with: Data(reply.body))
            #expect(Expectation.difference(vector["json"] ?? ["$contains": ["error": ["$any": true]]], json) == nil)
        }
        #expect(router.upstream.requests.isEmpty)
        await router.stop()
    }

    private func bytes(of message: [String: Any]) -> [UInt8]? {
        if let text = message["body_base64"] as? String { return Data(base64Encoded: text).map { Array($0) } }
        return (message["body"] as? String).map { Array($0.utf8) }
    }

    private func check(_ expected: [String: Any], _ message: HTTPText, besides free: Set<String>) {
        for (name, value) in expected["headers"] as? [String: Any] ?? [:] where !free.contains(name) {
            let difference = Expectation.difference(value, message[name], at: name)
            #expect(difference == nil)
        }
        for name in expected["absent_headers"] as? [String] ?? [] { #expect(message[name] == nil) }
        if let wanted = expected["body_json"] {
            let json = try? JSONSerialization.jsonObject(with: Data(message.body), options: .fragmentsAllowed)
            let difference = Expectation.difference(wanted, json)
            #expect(difference == nil)
        } else if let wanted = bytes(of: expected) {
            #expect(message.body == wanted)
        }
    }
}
