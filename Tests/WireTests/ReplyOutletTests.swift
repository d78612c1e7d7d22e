import Cluster
import Foundation
import NIOCore
import RouterHarness
import Synchronization
import Testing
import Wire

/// Replies that are made off the event loop, over real sockets.
@Suite(.timeLimit(.minutes(3)))
struct ReplyOutletTests {
    /// A router that gives each request to a producer.
    private struct ProducingRouter: RequestRouter {
        let producer: any ReplyProducer

        func admit(_ head: RequestHead, from peer: Peer) -> Admission { .collect(RequestScan(.none)) }

        func route(_ head: RequestHead, _ body: ScanOutcome, modelName: String?, from peer: Peer) -> Disposition {
            .dispatch(Way(producer))
        }

        func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply { .text("\(failure)", status: 502) }
    }

    private final class Way: Itinerary {
        private let producer: any ReplyProducer

        init(_ producer: any ReplyProducer) { self.producer = producer }

        var isEventStream: Bool { false }
        var earlyFields: Fields { Fields() }
        func prospect(isWaiting: Bool) -> Prospect { .fair }
        var ending: ReplyEnding { .unmarked }
        func waitingNote() -> ByteBuffer? { nil }
        func begin(on loop: any EventLoop, _ go: @escaping (consuming Leg) -> Void) { go(.produce(producer)) }
        func replied(_ head: ReplyHead) -> Passage { .pass(head) }
        func failed(_ failure: UpstreamFailure) {}
        func received(_ bytes: ByteBuffer) {}
        func ended(_ end: ExchangeEnd) {}
    }

    /// Does what a test says on a thread of its own, and keeps what it is told.
    private final class Producer: ReplyProducer, Production {
        struct Told {
            var isCancelled = false
            var resumed = 0
        }

        let told = Mutex(Told())
        private let work: @Sendable ([UInt8], ReplyOutlet, Producer) -> Void

        init(_ work: @escaping @Sendable ([UInt8], ReplyOutlet, Producer) -> Void) { self.work = work }

        func begin(_ body: @escaping @Sendable () -> [UInt8], _ outlet: ReplyOutlet) -> any Production {
            Task { try? await onThread { self.work(body(), outlet, self) } }
            return self
        }

        func cancel() { told.withLock { $0.isCancelled = true } }
        func resume() { told.withLock { $0.resumed += 1 } }
    }

    @Test func `Whole replies and streams come through, over one connection`() async throws {
        let server = try await LoneServer(
            ProducingRouter(
                producer: Producer { body, outlet, _ in
                    guard body.count > 10 else {
                        return outlet.answer(ReplyHead(status: 201), Array("got ".utf8) + body)
                    }
                    outlet.begin(ReplyHead(status: 200, fields: ["x-a": "b"]))
                    for byte in body { outlet.send([byte]) }
                    outlet.end()
                }))
        let socket = try Socket(port: server.port)
        socket.send(RequestText.post("/", "{\"a\":1}"))
        let whole = try await onThread { try socket.reply() }
        #expect(whole?.status == 201)
        #expect(whole?.text == "got {\"a\":1}")
        let text = "{\"text\":\"\(String(repeating: "x", count: 3000))\"}"
        socket.send(RequestText.post("/", text))
        let stream = try await onThread { try socket.reply() }
        #expect(stream?["x-a"] == "b")
        #expect(stream?["transfer-encoding"] == "chunked")
        #expect(stream?.text == text)
        await server.stop()
    }

    @Test func `A client that goes cancels, and what still comes is dropped`() async throws {
        let producer = Producer { _, outlet, producer in
            outlet.begin(ReplyHead(status: 200))
            outlet.send([1])
            while !producer.told.withLock({ $0.isCancelled }) { Thread.sleep(forTimeInterval: 0.001) }
            outlet.send([2])
            outlet.end()
        }
        let server = try await LoneServer(ProducingRouter(producer: producer))
        do {
            let socket = try Socket(port: server.port)
            socket.send(RequestText.post("/", "{}"))
            _ = try await onThread { try socket.read { !$0.isEmpty } }
            socket.close()
        }
        #expect(await eventually { producer.told.withLock { $0.isCancelled } })
        await server.stop()
    }

    @Test func `A producer that is told to wait is told to go on once the client takes again`() async throws {
        let piece = [UInt8](repeating: 0x78, count: 16 << 10)
        let most = Mutex(0)
        let producer = Producer { _, outlet, producer in
            outlet.begin(ReplyHead(status: 200))
            // What the kernel holds for a client is a few megabytes.
            for number in 0..<1000 {
                let before = producer.told.withLock { $0.resumed }
                if !outlet.takesMore() {
                    most.withLock { $0 = max($0, number) }
                    while producer.told.withLock({ $0.resumed == before && !$0.isCancelled }) {
                        Thread.sleep(forTimeInterval: 0.001)
                    }
                }
                outlet.send(piece)
            }
            outlet.end()
        }
        let server = try await LoneServer(ProducingRouter(producer: producer))
        let socket = try Socket(port: server.port)
        socket.send(RequestText.post("/", "{}"))
        var last = -1
        #expect(
            await eventually {
                // It has been told to wait, and nothing moves.
                let now = most.withLock { $0 }
                defer { last = now }
                return now > 0 && now == last
            })
        #expect(most.withLock { $0 } < 900)
        let bytes = try await onThread { try socket.read { $0.suffix(7).elementsEqual("\r\n0\r\n\r\n".utf8) } }
        #expect(bytes.count { $0 == 0x78 } == 1000 * piece.count)
        #expect(producer.told.withLock { $0.resumed } > 0)
        await server.stop()
    }
}
