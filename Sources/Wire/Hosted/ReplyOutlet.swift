import NIOCore
import Synchronization

/// Where a reply goes that is made off the event loop: from any thread, but from one at a time.
package final class ReplyOutlet: Sendable {
    fileprivate enum Piece {
        case head(ReplyHead, length: Int?)
        case bytes(ByteBuffer)
        case end
    }

    private struct State {
        var pieces: [Piece] = []
        /// Bytes among the pieces.
        var size = 0
        /// Whether the event loop has been told of the pieces.
        var isDue = false
        /// Whether the client takes more, as the event loop saw it last.
        var clientTakes = true
        /// Whether the producer was told to wait.
        var producerWaits = false
        var isOver = false
    }

    /// Bytes on their way to the event loop; what waits for the client there comes on top.
    private static let window = 64 << 10

    private let state = Mutex(State())
    private let call: NIOLoopBound<ProducedCall>

    init(_ call: ProducedCall, _ loop: any EventLoop) { self.call = NIOLoopBound(call, eventLoop: loop) }

    // MARK: From the producer

    /// - Parameter length: of the body, where it is known.
    package func begin(_ head: ReplyHead, length: Int? = nil) { add { $0.pieces.append(.head(head, length: length)) } }

    package func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        add { state in
            if case .bytes(var buffer)? = state.pieces.last {
                state.pieces.removeLast()  // So that the buffer has one owner and grows in place.
                buffer.writeBytes(bytes)
                state.pieces.append(.bytes(buffer))
            } else {
                state.pieces.append(.bytes(ByteBuffer(bytes: bytes)))
            }
            state.size += bytes.count
        }
    }

    /// - Returns: false where what was sent is enough for now: ``Production/resume()`` follows once there is room.
    package func takesMore() -> Bool {
        state.withLock { state in
            let hasRoom = state.isOver || state.clientTakes && state.size < Self.window
            if !hasRoom { state.producerWaits = true }
            return hasRoom
        }
    }

    /// The reply is complete.
    package func end() { add { $0.pieces.append(.end) } }

    /// A whole reply.
    package func answer(_ head: ReplyHead, _ body: [UInt8]) {
        begin(head, length: body.count)
        send(body)
        end()
    }

    package func answer(_ error: OpenAIError) {
        let reply = error.reply
        answer(reply.head, Array(reply.body.readableBytesView))
    }

    private func add(_ change: (inout State) -> Void) {
        let isFirst = state.withLock { state in
            guard !state.isOver else { return false }
            change(&state)
            defer { state.isDue = true }
            return !state.isDue
        }
        if isFirst { call.eventLoop.execute { self.call.value.take(from: self) } }
    }

    // MARK: From the event loop

    /// What has come since the last time.
    fileprivate func takePieces() -> [Piece] {
        state.withLock { state in
            defer {
                state.pieces = []
                state.size = 0
                state.isDue = false
            }
            return state.pieces
        }
    }

    /// - Returns: whether the producer waits, and can go on.
    fileprivate func saw(clientTakes: Bool) -> Bool {
        state.withLock { state in
            state.clientTakes = clientTakes
            guard clientTakes, state.producerWaits else { return false }
            state.producerWaits = false
            return true
        }
    }

    /// Nothing is taken any more.
    fileprivate func close() {
        state.withLock { state in
            state.isOver = true
            state.pieces = []
        }
    }
}

/// A produced reply from its receiver's side, on the event loop: what ``UpstreamCall`` is for an upstream's.
final class ProducedCall: OngoingCall {
    private let loop: any EventLoop
    private weak var receiver: (any UpstreamReceiver)?
    private var outlet: ReplyOutlet?
    private var production: (any Production)?

    init(loop: any EventLoop, receiver: any UpstreamReceiver) {
        self.loop = loop
        self.receiver = receiver
    }

    /// - Parameter pieces: the request's body.
    func start(_ producer: any ReplyProducer, _ pieces: [ByteBuffer]) {
        let outlet = ReplyOutlet(self, loop)
        self.outlet = outlet
        production = producer.begin({ Self.joined(pieces) }, outlet)
    }

    private static func joined(_ pieces: [ByteBuffer]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.readableBytes })
        for piece in pieces { piece.withUnsafeReadableBytes { bytes.append(contentsOf: $0) } }
        return bytes
    }

    fileprivate func take(from outlet: ReplyOutlet) {
        for piece in outlet.takePieces() {
            // What the receiver does with one may be to cancel.
            guard outlet === self.outlet, let receiver else { return }
            switch piece {
            case .head(let head, let length): receiver.upstreamReplied(head, length: length)
            case .bytes(let bytes): receiver.upstreamSent(bytes)
            case .end:
                outlet.close()
                self.outlet = nil
                production = nil
                return receiver.upstreamEnded()
            }
        }
        guard outlet === self.outlet else { return }
        receiver?.upstreamReadCompleted()
        makeRoom()
    }

    private func makeRoom() {
        guard let outlet, let receiver, outlet.saw(clientTakes: receiver.takesMore) else { return }
        production?.resume()
    }

    // MARK: OngoingCall

    func resumeReading() { makeRoom() }

    func cancel() {
        outlet?.close()
        outlet = nil
        let production = production
        self.production = nil
        production?.cancel()
    }
}
