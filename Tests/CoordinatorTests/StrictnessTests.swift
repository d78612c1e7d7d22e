import Foundation
import RouterHarness
import Testing
import Wire

/// Requests that two parsers could read in two ways, or that are too large, never reach the upstream.
struct StrictnessTests {
    private static let host = RequestText.host
    /// A head that chunks follow.
    private static let chunked = "POST /v1/completions HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\n"

    @Test(arguments: [
        (
            "length and chunks",
            "POST /x HTTP/1.1\r\n\(host)Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400]
        ),
        ("two equal lengths", "POST /x HTTP/1.1\r\n\(host)Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", [400]),
        ("two lengths", "POST /x HTTP/1.1\r\n\(host)Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", [400]),
        ("a list of lengths", "POST /x HTTP/1.1\r\n\(host)Content-Length: 3, 3\r\n\r\nabc", [400]),
        ("a signed length", "POST /x HTTP/1.1\r\n\(host)Content-Length: +3\r\n\r\nabc", [400]),
        ("a negative length", "POST /x HTTP/1.1\r\n\(host)Content-Length: -3\r\n\r\nabc", [400]),
        ("a hexadecimal length", "POST /x HTTP/1.1\r\n\(host)Content-Length: 0x3\r\n\r\nabc", [400]),
        ("a huge length", "POST /x HTTP/1.1\r\n\(host)Content-Length: 99999999999999999999\r\n\r\nabc", [400]),
        ("gzip", "POST /x HTTP/1.1\r\n\(host)Transfer-Encoding: gzip\r\n\r\nabc", [400]),
        ("gzip, then chunks", "POST /x HTTP/1.1\r\n\(host)Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", [400]),
        ("chunks twice", "POST /x HTTP/1.1\r\n\(host)Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", [400]),
        (
            "two codings",
            "POST /x HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            [400]
        ),
        ("another coding", "POST /x HTTP/1.1\r\n\(host)Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", [400]),
        ("space before the colon", "POST /x HTTP/1.1\r\n\(host)Content-Length : 3\r\n\r\nabc", [400]),
        ("a folded field", "GET /x HTTP/1.1\r\n\(host)X: a\r\n b\r\n\r\n", [400]),
        ("a zero byte", "GET /x HTTP/1.1\r\n\(host)X: a\0b\r\n\r\n", [400]),
        ("no host", "GET /x HTTP/1.1\r\n\r\n", [400]),
        ("two hosts", "GET /x HTTP/1.1\r\n\(host)\(host)\r\n", [400]),
        ("an empty host", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", [400]),
        ("a host with a path", "GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n", [400]),
        ("a host with a user", "GET /x HTTP/1.1\r\nHost: me@localhost\r\n\r\n", [400]),
        ("CONNECT", "CONNECT a:1 HTTP/1.1\r\n\(host)\r\n", [405]),
        ("TRACE", "TRACE /x HTTP/1.1\r\n\(host)\r\n", [405]),
        ("an absolute target", "GET http://elsewhere/x HTTP/1.1\r\n\(host)\r\n", [400]),
        ("an upgrade", "GET /x HTTP/1.1\r\n\(host)Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", [501]),
        ("a long target", "GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\(host)\r\n", [414]),
        ("a large head", "GET / HTTP/1.1\r\n\(host)X: \(String(repeating: "a", count: 40_000))\r\n\r\n", [431]),
        ("many fields", "GET / HTTP/1.1\r\n\(host)\(String(repeating: "X: a\r\n", count: 101))\r\n", [431]),
        (
            "a bad chunk size",
            "\(chunked)zz\r\n{}\r\n0\r\n\r\n", [400]
        ),
        (
            "a chunk that is too long",
            "\(chunked)2\r\n{}}\r\n0\r\n\r\n", [400]
        ),
        (
            "a negative chunk size",
            "\(chunked)-2\r\n{}\r\n0\r\n\r\n", [400]
        ),
        (
            "a hexadecimal prefix",
            "\(chunked)0x2\r\n{}\r\n0\r\n\r\n", [400]
        ),
        (
            "a huge chunk size",
            "\(chunked)fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
            [400]
        ),
        (
            "a chunk line ended by a bare line feed",
            "\(chunked)2\n{}\r\n0\r\n\r\n", [400]
        ),
        (
            "a chunk without its end",
            "\(chunked)2\r\n{}0\r\n\r\n", [400]
        ),
        ("bare line feeds", "GET /x HTTP/1.1\nHost: 127.0.0.1\n\n", [400]),
        ("a bare line feed behind a field", "GET /x HTTP/1.1\r\nX: a\n\(host)\r\n", [400]),
        ("a bare carriage return", "GET /x HTTP/1.1\r\nX: a\rY: b\r\n\(host)\r\n", [400]),
        ("a field without a colon", "GET /x HTTP/1.1\r\n\(host)X\r\n\r\n", [400]),
        ("a field without a name", "GET /x HTTP/1.1\r\n\(host): x\r\n\r\n", [400]),
        ("a target of two words", "GET /x y HTTP/1.1\r\n\(host)\r\n", [400]),
        ("a control character in the target", "GET /\u{1} HTTP/1.1\r\n\(host)\r\n", [400]),
        ("a star", "GET * HTTP/1.1\r\n\(host)\r\n", [400]),
        ("a later version", "GET /x HTTP/1.9\r\n\(host)\r\n", [400, 505]),
        ("HTTP/2", "GET /x HTTP/2.0\r\n\(host)\r\n", [400, 505]),
        ("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 405, 505]),
        ("HTTP/0.9 by name", "GET /x HTTP/0.9\r\n\(host)\r\n", [400, 505]),
        ("a method in small letters", "get /x HTTP/1.1\r\n\(host)\r\n", [400, 405]),
        ("HTTP/0.9", "GET /\r\n\r\n", [400]), ("another protocol", "\u{16}\u{3}\u{1}\r\n\r\n", [400]),
        ("a foreign host", "GET /x HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n", [403]),
        (
            "a foreign page", "GET /x HTTP/1.1\r\n\(host)Origin: https://evil.example\r\nConnection: close\r\n\r\n",
            [403]
        ),
        ("a page of nowhere", "GET /x HTTP/1.1\r\n\(host)Origin: null\r\nConnection: close\r\n\r\n", [403]),
        (
            "a length beyond the limit", "POST /v1/completions HTTP/1.1\r\n\(host)Content-Length: 99999999\r\n\r\n{",
            [413]
        ),
    ])
    func itIsRefused(_ name: String, _ request: String, _ statuses: [Int]) async throws {
        let router = try await RunningRouter()
        let reply = try #require(try router.reply(to: request))
        #expect(statuses.contains(reply.status))
        let json = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: [String: Any]]
        #expect(json?["error"]?["message"] is String)
        #expect(router.upstream.connections == 0)
        #expect(try router.reply(to: RequestText.get("/x", RequestText.last))?.status == 200)
        await router.stop()
    }

    @Test func aHundredThousandLevelsOfNestingAreRefused() async throws {
        let router = try await RunningRouter()
        let depth = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        let body = #"{"model":"auto","x":\#(depth)}"#
        let reply = try router.reply(to: RequestText.post("/v1/completions", body, RequestText.last))
        #expect(reply?.status == 400)
        #expect(router.upstream.requests.isEmpty)
        await router.stop()
    }

    @Test func aChunkedBodyBeyondTheLimitIsRefusedWhileItComes() async throws {
        var limits = RequestLimits()
        limits.body = 100_000
        let router = try await RunningRouter(limits: limits)
        let socket = try Socket(port: router.port)
        socket.send(Self.chunked)
        let piece = "2710\r\n\(String(repeating: "x", count: 10_000))\r\n"
        for _ in 0..<11 { socket.send(piece) }
        #expect(try socket.reply()?.status == 413)
        #expect(router.upstream.requests.isEmpty)
        await router.stop()
    }

    @Test func bodiesThatAreHeldTogetherHaveALimitAndGiveItBack() async throws {
        var limits = RequestLimits()
        limits.bodies = 150_000
        let router = try await RunningRouter(limits: limits)
        let half =
            "POST /v1/completions HTTP/1.1\r\n\(Self.host)Content-Length: 100001\r\nConnection: close\r\n\r\n"
            + String(repeating: " ", count: 100_000)
        let first = try Socket(port: router.port)
        first.send(half)
        // The second goes over the limit once the first is in; until then it is only waited for.
        var refusal: HTTPText?
        while refusal == nil {
            let second = try Socket(port: router.port)
            second.send(half)
            if let bytes = second.receive(seconds: 0.05), !bytes.isEmpty {
                var bytes = bytes
                refusal = HTTPText.take(from: &bytes)
            }
        }
        #expect(refusal?.status == 503)
        #expect(refusal?["retry-after"] == "1")
        first.close()
        let isFree = await eventually {
            guard let socket = try? Socket(port: router.port) else { return false }
            socket.send(half + "{")
            return (try? socket.read()).map { String(decoding: $0, as: UTF8.self).hasPrefix("HTTP/1.1 200") } ?? false
        }
        #expect(isFree)
        await router.stop()
    }

    @Test func largeBodiesLeaveRoomForSmallOnes() async throws {
        var limits = RequestLimits()
        limits.bodies = 80_000
        limits.smallBody = 1000
        let router = try await RunningRouter(limits: limits)
        func held() throws -> Socket {
            let socket = try Socket(port: router.port)
            socket.send("POST /v1/completions HTTP/1.1\r\n\(Self.host)Content-Length: 69001\r\n\r\n")
            socket.send(String(repeating: " ", count: 68_999))
            return socket
        }
        var large = try held()
        // Another large one is refused, once the first is in.
        let isRefused = await eventually {
            let body = "{\(String(repeating: " ", count: 2000))}"
            let reply = try? router.reply(to: RequestText.post("/v1/completions", body, RequestText.last))
            // The first itself where it came in the middle of the other.
            if reply?.status == 200, large.receive(seconds: 0.05)?.isEmpty == false, let again = try? held() {
                large = again
            }
            return reply?.status == 503
        }
        #expect(isRefused)
        let small = try router.reply(to: RequestText.post("/v1/completions", "{\"prompt\":\"hi\"}", RequestText.last))
        #expect(small?.status == 200)
        large.send("{}")
        #expect(try large.reply()?.status == 200)
        await router.stop()
    }
}
