import RouterHarness
import Testing
import Wire

@Suite(.timeLimit(.minutes(3)))
struct HTTPProbeTests {
    /// A server that never answers, and whether its client left within five seconds.
    private func silent() throws -> (upstream: ScriptedUpstream, leaves: AsyncStream<Bool>) {
        let (leaves, leave) = AsyncStream.makeStream(of: Bool.self)
        let upstream = try ScriptedUpstream { socket, _ in
            leave.yield(socket.receive() == [])
            leave.finish()
            return .close
        }
        return (upstream, leaves)
    }

    private func hasLeft(_ leaves: AsyncStream<Bool>) async -> Bool {
        for await hasLeft in leaves { return hasLeft }
        return false
    }

    @Test func `A server that hangs keeps no connection after the time is up`() async throws {
        let (upstream, leaves) = try silent()
        await #expect(throws: HTTPProbe.Failure.self) {
            try await HTTPProbe.get("http://127.0.0.1:\(upstream.port)/", timeout: .milliseconds(50))
        }
        #expect(await hasLeft(leaves))
    }

    @Test func `A probe that is cancelled keeps no connection`() async throws {
        let (upstream, leaves) = try silent()
        let probe = Task { try await HTTPProbe.get("http://127.0.0.1:\(upstream.port)/", timeout: .seconds(60)) }
        let isAsked = await eventually { upstream.requests.count == 1 }
        #expect(isAsked)
        probe.cancel()
        await #expect(throws: HTTPProbe.Failure.self) { try await probe.value }
        #expect(await hasLeft(leaves))
    }

    @Test func `An answer in time is the answer`() async throws {
        let upstream = try ScriptedUpstream()
        let reply = try await HTTPProbe.get("http://127.0.0.1:\(upstream.port)/x", timeout: .seconds(10))
        #expect(reply.status == 200)
        #expect(reply.body == Array("ok".utf8))
    }
}
