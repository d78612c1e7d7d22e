import Coordinator
import RouterHarness
import Testing

/// What a client sees of a stream whose host is lost in the middle, over real sockets.
@Suite(.timeLimit(.minutes(3)))
struct LostStreamTests {
    private static let request = RequestText.post(
        "/v1/chat/completions", #"{"model":"plan","stream":true,"messages":[{"role":"user","content":"hi"}]}"#)
    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

    /// All that a client gets of a stream, its framing taken away; `isCut`: whether the connection ended before the stream did.
    private func seen(of chunks: [String], ends: Bool = false) async throws -> (text: String, isCut: Bool) {
        let team = try await Team([
            (
                "box", ["plan"],
                { socket, _ in
                    socket.send(Self.head + chunks.map(Self.chunk).joined() + (ends ? "0\r\n\r\n" : ""))
                    return .close
                }
            )
        ])
        let router = team.router
        var bytes = try await onThread {
            let client = try Socket(port: router.port)
            client.send(Self.request)
            return try client.read { bytes in
                var bytes = bytes
                return HTTPText.take(from: &bytes) != nil
            }
        }
        await team.stop()
        if let reply = HTTPText.take(from: &bytes) { return (reply.text, false) }
        return (String(decoding: bytes, as: UTF8.self), true)
    }

    @Test(
        "What has come of an event is not passed on, and the loss is told by the next",
        arguments: [
            ["data: a\n\ndata: {\"cho"], ["data: a\n\n", "data: {\"cho"],
            ["data: a\n", "\n", "data: {\"cho", "ices\"}"],
        ])
    func half(_ chunks: [String]) async throws {
        let (text, isCut) = try await seen(of: chunks)
        #expect(!isCut)
        #expect(text.hasPrefix("data: a\n\ndata: {\"error\":{\"message\":\"The reply broke off"))
        #expect(text.hasSuffix("\"code\":\"upstream_lost\"}}\n\n"))
        #expect(!text.contains("cho"))
    }

    @Test func `A stream that ends well is passed on to its last byte, also without an empty line`() async throws {
        let (text, isCut) = try await seen(of: ["data: a\n\n", "data: [DONE]"], ends: true)
        #expect(!isCut)
        #expect(text == "data: a\n\ndata: [DONE]")
    }

    @Test func `A whole reply in place of the stream that was asked for is no loss`() async throws {
        let team = try await Team([
            ("box", ["plan"], ScriptedUpstream.always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"))
        ])
        for _ in 1...2 {
            let reply = try await team.ask(Self.request)
            #expect(reply?.text == "whole")
        }
        let areNoted = await eventually { team.records.list.count == 2 }
        #expect(areNoted)
        #expect(team.records.list.map(\.outcome) == [.served, .served])
        await team.stop()
    }

    @Test func `What a router says while it waits is no reply: another host may be asked after it`() async throws {
        func says(_ chunks: [String], ends: Bool) -> ScriptedUpstream.Answer {
            { socket, _ in
                socket.send(Self.head + chunks.map(Self.chunk).joined() + (ends ? "0\r\n\r\n" : ""))
                return .close
            }
        }
        let note = ": waiting\ndata: next in line\n\n"
        let reply = "data: b\n\ndata: [DONE]\n\n"
        let team = try await Team([
            ("box", ["plan"], says([note, ": ping\n\n" + note], ends: false)),
            ("den", ["plan"], says([note + reply], ends: true)),
        ])
        #expect(try await team.ask(Self.request)?.text == note + note + note + reply)
        await team.stop()
    }

    @Test func `A stream that breaks off after its last event is whole`() async throws {
        let (text, isCut) = try await seen(of: ["data: a\n\n", "data: [DONE]\n\n"])
        #expect(!isCut)
        #expect(text == "data: a\n\ndata: [DONE]\n\n")
    }

    @Test("A loss that the other node has told is not told again", arguments: [true, false])
    func told(_ ends: Bool) async throws {
        let told =
            #"data: {"error":{"message":"x","type":"server_error","param":null,"code":"upstream_lost"}}"# + "\n\n"
        let (text, isCut) = try await seen(of: ["data: a\n\n", told], ends: ends)
        #expect(!isCut)
        #expect(text == "data: a\n\n" + told)
    }

    @Test func `In an event that is too long to be held, the end of the connection tells`() async throws {
        let long = "data: " + String(repeating: "x", count: 300 << 10)
        let (text, isCut) = try await seen(of: ["data: a\n\n", long])
        #expect(isCut)
        #expect(text.contains("xxx"))
        #expect(!text.contains("upstream_lost"))
    }

    // MARK: Before the first event

    @Test(
        "A host that is lost before its first event is passed by, whatever else it has said",
        arguments: [
            [String](), [": ping\n\n"], [": ping\n\ndata: {\"cho"],
        ], [true, false])
    func passedBy(_ chunks: [String], _ ends: Bool) async throws {
        let whole = "data: b\n\ndata: [DONE]\n\n"
        let team = try await Team([
            (
                "box", ["plan"],
                { socket, _ in
                    socket.send(Self.head + chunks.map(Self.chunk).joined() + (ends ? "0\r\n\r\n" : ""))
                    return .close
                }
            ), ("den", ["plan"], ScriptedUpstream.always(Self.head + Self.chunk(whole) + "0\r\n\r\n")),
        ])
        let reply = try await team.ask(Self.request)
        #expect(reply?.text == whole)
        #expect(reply?["x-llmstack-node"] == "den")
        #expect(team.others["box"]?.requests.count == 1)
        await team.stop()
    }

    @Test func `Where nobody else can, a stream without an event is an error with a status`() async throws {
        let (text, isCut) = try await seen(of: [])
        #expect(!isCut)
        #expect(text.contains("upstream_unavailable"))
    }
}
