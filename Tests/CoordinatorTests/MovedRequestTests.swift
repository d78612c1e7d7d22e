import Cluster
import Coordinator
import RouterHarness
import Testing
import Wire

/// Requests that go on to another host before they have had a reply, over real sockets.
@Suite(.timeLimit(.minutes(3)))
struct MovedRequestTests {
    private static let chat = RequestText.post("/v1/chat/completions", #"{"model":"plan","messages":[]}"#)

    @Test func `A request that stands in line is taken to a host that has become free`() async throws {
        let team = try await Team([("box", ["plan"], { _, _ in .keepOpen })])
        let (router, book, box) = (team.router, team.book, team.others["box"])
        let den = try ScriptedUpstream(ScriptedUpstream.always("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrom den"))
        async let reply = onThread { try router.replies(to: [Self.chat])[0] }
        let isAsked = await eventually { box?.requests.count == 1 }
        #expect(isAsked)
        let name = try #require(box?.requests.first?["x-llmstack-request"])
        book.add("den", ["plan"], at: den.port, prefillRate: 500)
        book.add("box", ["plan"], at: box?.port ?? 0, prefillRate: 1000, waiting: [name])
        let answered = try await reply
        #expect(answered?.text == "from den")
        #expect(answered?["x-llmstack-node"] == "den")
        #expect(den.requests.first?["x-llmstack-request"] == name)
        let areNoted = await eventually { team.records.list.count == 2 }
        #expect(areNoted)
        #expect(team.records.list.map(\.outcome) == [.moved, .served])
        #expect(team.records.list.map(\.attempt) == [1, 2])
        den.stop()
        await team.stop()
    }

    @Test func `A request in this host's own line is taken to another host, and counted no more`() async throws {
        let team = try await Team(own: ["plan"], [])
        team.node.answer(.hold)
        let (router, book) = (team.router, team.book)
        let den = try ScriptedUpstream(ScriptedUpstream.always("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrom den"))
        async let reply = onThread { try router.replies(to: [Self.chat])[0] }
        let waits = await eventually { team.node.waiting.count == 1 }
        #expect(waits)
        let name = try #require(team.node.waiting.first?.id)
        team.node.change { $0.tiers[0].waiting = [.init(request: name, seconds: 60)] }
        book.add("den", ["plan"], at: den.port, prefillRate: 500)
        let answered = try await reply
        #expect(answered?["x-llmstack-node"] == "den")
        #expect(team.node.traffic == ["?plan", "-plan"])
        #expect(team.router.upstream.requests.isEmpty)
        den.stop()
        await team.stop()
    }
}
