import Foundation
import RouterHarness
import Synchronization
import Testing
import Wire

@Suite(.timeLimit(.minutes(3)))
struct ServerTests {
    /// Streams, and counts the streams that were begun and those whose clients have left.
    private final class StreamingRouter: RequestRouter {
        let begun = Atomic<Int>(0)
        let left = Atomic<Int>(0)
        /// Rung when a request is in; each then waits for `goOn`.
        let arrived = DispatchSemaphore(value: 0)
        let goOn = DispatchSemaphore(value: 0)

        func admit(_ head: RequestHead, from peer: Peer) -> Admission {
            guard head.path == "/events" else { return .reply(Reply(status: 204)) }
            arrived.signal()
            _ = goOn.wait(timeout: .now() + 10)
            return .stream(ReplyHead(status: 200, fields: ["content-type": "text/event-stream"])) { stream in
                self.begun.add(1, ordering: .relaxed)
                if head.target.hasSuffix("?ends") { stream.end() }
                stream.onClientLeft { self.left.add(1, ordering: .relaxed) }
            }
        }

        func route(_ head: RequestHead, _ body: ScanOutcome, modelName: String?, from peer: Peer) -> Disposition {
            .reply(Reply(status: 204))
        }

        func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply { Reply(status: 502) }
    }

    /// The client resets before the head of its stream is written: that write ends the connection.
    @Test func `No stream is left to a client that resets as its request comes in`() async throws {
        let router = StreamingRouter()
        let server = try await LoneServer(router)
        for _ in 0..<20 {
            try await onThread {
                var client: Socket? = try Socket(port: server.port)
                client?.send(RequestText.get("/events"))
                _ = router.arrived.wait(timeout: .now() + 10)
                client?.resetsAtItsEnd()
                client = nil
                router.goOn.signal()
                // Answered by the same event loop, so the stream has been seen to by then.
                let next = try Socket(port: server.port)
                next.send(RequestText.get("/"))
                _ = try next.reply()
            }
        }
        let isForgotten = await eventually {
            router.begun.load(ordering: .relaxed) == router.left.load(ordering: .relaxed)
        }
        #expect(isForgotten)
        await server.stop()
    }

    @Test func `Whoever asks a stream that is over to be told of its end is told at once`() async throws {
        let router = StreamingRouter()
        let server = try await LoneServer(router)
        router.goOn.signal()
        let client = try Socket(port: server.port)
        client.send(RequestText.get("/events?ends", RequestText.last))
        _ = try client.read()
        let isTold = await eventually { router.left.load(ordering: .relaxed) == 1 }
        #expect(isTold)
        await server.stop()
    }

    @Test func `A server that cannot have its port lets go of its router`() async throws {
        let taken = try Socket.listening()
        weak var router: StreamingRouter?
        do {
            let made = StreamingRouter()
            router = made
            await #expect(throws: (any Error).self) { try await LoneServer(made, port: taken.port) }
        }
        let isGone = await eventually { router == nil }
        #expect(isGone)
    }
}
