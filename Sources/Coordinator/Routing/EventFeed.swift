import Cluster
import Foundation
import NIOCore
import Wire

/// Writes `/llmstack/v1/events` to one subscriber: a whole description first, changes as they happen, a ping a second.
///
/// Nothing queues up for a subscriber that is slow: when it takes again, it gets what is different by then. Lives as long
/// as its stream, on the stream's event loop.
final class EventFeed {
    private let node: any LocalNode
    private let stream: ReplyStream
    private let encoder = JSONEncoder()
    private var newest: NodeDescription?
    private var sent: NodeDescription?

    init(_ node: any LocalNode, _ stream: ReplyStream) {
        self.node = node
        self.stream = stream
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    func start() {
        let feed = NIOLoopBound(self, eventLoop: stream.loop)
        let node = node
        let following = Task {
            for await description in node.descriptions() {
                feed.eventLoop.execute { feed.value.offer(description) }
            }
        }
        let interval = TimeAmount.nanoseconds(Int64(Membership.pingInterval * 1e9))
        let pings = stream.loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in feed.value.ping() }
        stream.onClientLeft {
            following.cancel()
            pings.cancel()
        }
    }

    private func offer(_ description: NodeDescription) {
        newest = description
        catchUp()
    }

    private func ping() {
        catchUp()
        // Of a client that takes nothing a ping would only wait, and say something old when it is read.
        if stream.takesMore { send("ping", Data("{}".utf8)) }
    }

    private func catchUp() {
        guard let newest, newest != sent, stream.takesMore else { return }
        if let sent, let change = newest.change(since: sent) {
            send("change", try? encoder.encode(change))
        } else {
            send("state", try? encoder.encode(newest))
        }
        sent = newest
    }

    private func send(_ name: String, _ json: Data?) {
        guard let json else { return }
        var event = ByteBuffer(string: "event: \(name)\ndata: ")
        event.writeBytes(json)
        event.writeString("\n\n")
        stream.send(event)
    }
}
