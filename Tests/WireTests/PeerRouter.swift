import Cluster
import Foundation
import NIOCore
import Synchronization
import Wire

/// Tells clients who they are, streams to them, sends them on, and counts their exchanges.
final class PeerRouter: RequestRouter {
    private final class Pass: ExchangePass {
        private let router: PeerRouter

        init(_ router: PeerRouter) { self.router = router }

        func exchangeEnded(status: Int) { router.ended.add(1, ordering: .relaxed) }
    }

    let begun = Atomic<Int>(0)
    let ended = Atomic<Int>(0)
    /// Bytes that were streamed.
    let sent = Atomic<Int>(0)
    let handles = Mutex<[ConnectionHandle]>([])
    /// Of `/big`, and one event of `/events`.
    private static let portion = 64 << 10
    private let next: Endpoint?
    private let eventCount: Int

    /// - Parameters:
    ///   - next: where `/next/…` goes.
    ///   - eventCount: of `/events`.
    init(next: Endpoint? = nil, eventCount: Int = .max) {
        self.next = next
        self.eventCount = eventCount
    }

    func admit(_ head: RequestHead, from peer: Peer) -> Admission {
        begun.add(1, ordering: .relaxed)
        peer.pass = Pass(self)
        handles.withLock { $0.append(peer.handle) }
        if let next, head.target.hasPrefix("/next") { return .forward(next) }
        switch head.path.split(separator: "/").last {
        case "collected": return .collect(RequestScan(.none))
        case "big":
            return .stream(ReplyHead(status: 200)) { self.stream($0, Self.bigCount, self.bytes) }
        case "events":
            return .stream(ReplyHead(status: 200, fields: ["content-type": "text/event-stream"])) {
                self.stream($0, self.eventCount, self.event)
            }
        default:
            return .reply(
                Reply(
                    status: 200,
                    body: ByteBuffer(string: "\(peer.identity?.description ?? "nobody") at \(peer.address)")))
        }
    }

    func route(_ head: RequestHead, _ body: ScanOutcome, modelName: String?, from peer: Peer) -> Disposition {
        .reply(Reply(status: 200, body: ByteBuffer(string: peer.identity?.node.rawValue ?? "nobody")))
    }

    func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply {
        Reply(status: 502, body: ByteBuffer(string: "\(failure)"))
    }

    // MARK: Streams

    /// 5 MiB.
    static let bigCount = 80

    private func bytes(_ number: Int) -> ByteBuffer { ByteBuffer(repeating: UInt8(number % 251), count: Self.portion) }

    private func event(_ number: Int) -> ByteBuffer {
        ByteBuffer(string: "data: " + String(repeating: "a", count: Self.portion) + "\n\n")
    }

    /// As fast as the client takes it, but a few portions at a turn of the event loop, which has others to see to.
    private func stream(
        _ stream: ReplyStream, _ count: Int, from number: Int = 0, _ portion: @escaping (Int) -> ByteBuffer
    ) {
        var number = number
        let end = min(count, number + 4)
        while stream.takesMore, number < end {
            let bytes = portion(number)
            sent.add(bytes.readableBytes, ordering: .relaxed)
            stream.send(bytes)
            number += 1
        }
        if number == count { return stream.end() }
        guard stream.isOpen else { return }
        let reached = number
        stream.loop.assumeIsolated().scheduleTask(in: stream.takesMore ? .nanoseconds(0) : .milliseconds(1)) {
            self.stream(stream, count, from: reached, portion)
        }
    }
}
