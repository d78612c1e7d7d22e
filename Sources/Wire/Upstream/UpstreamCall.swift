import NIOCore
import NIOHTTP1

/// Takes what an upstream answers to one call, on the call's event loop.
protocol UpstreamReceiver: AnyObject {
    /// Whether the receiver has room; when it has again, it calls ``UpstreamCall/resumeReading()``.
    var takesMore: Bool { get }
    /// - Parameter length: of the body, where the upstream says it.
    func upstreamReplied(_ head: ReplyHead, length: Int?)
    func upstreamSent(_ bytes: ByteBuffer)
    /// Nothing more has come for now.
    func upstreamReadCompleted()
    func upstreamEnded()
    func upstreamFailed(_ failure: UpstreamFailure)
    /// The upstream takes more of a body that is streamed to it.
    func upstreamBecameWritable()
}

/// One request to an upstream, from the search for a connection to the end of the reply.
final class UpstreamCall {
    enum Body {
        /// All of it, so that it can be sent again.
        case whole([ByteBuffer])
        /// It follows by ``UpstreamCall/send(_:)``; its length, where the client gave one.
        case streamed(length: Int?)
    }

    private let endpoint: Endpoint
    private let pool: UpstreamPool
    private let head: HTTPRequestHead
    private var body: Body
    /// What is left to send of a whole body.
    private var unsent: ArraySlice<ByteBuffer> = []
    private var portionIsDue = false
    /// Let go when the call is over. A weak reference would cost an allocation for each receiver that lives for one call.
    private var receiver: (any UpstreamReceiver)?
    private var connection: UpstreamConnection?
    private var isReused = false
    private var hasReply = false
    private var isOver = false
    /// Parts of a streamed body that came before there was a connection.
    private var early: [ByteBuffer] = []
    private var isEarlyFinish = false
    private var hasStreamed = false

    init(
        _ request: RequestHead, body: Body, to endpoint: Endpoint, pool: UpstreamPool, receiver: any UpstreamReceiver
    ) {
        self.endpoint = endpoint
        self.pool = pool
        self.body = body
        self.receiver = receiver
        var headers = HTTPHeaders()
        headers.add(name: "host", value: endpoint.authority)
        headers.add(contentsOf: request.fields.forwarded().headers)
        switch body {
        case .whole(let pieces):
            let length = pieces.reduce(0) { $0 + $1.readableBytes }
            if length > 0 || !Self.bodiless.contains(request.method) {
                headers.add(name: "content-length", value: String(length))
            }
        case .streamed(let length?): headers.add(name: "content-length", value: String(length))
        case .streamed(nil): headers.add(name: "transfer-encoding", value: "chunked")
        }
        head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: endpoint.prefix + request.target,
            headers: headers)
    }

    /// Methods whose requests need no `Content-Length: 0`.
    private static let bodiless: Set<String> = ["GET", "HEAD", "OPTIONS", "DELETE"]

    func start() { start(reuse: true) }

    private func start(reuse: Bool) {
        if reuse, let connection = pool.takeIdle(endpoint) {
            isReused = true
            attach(connection)
            return
        }
        isReused = false
        pool.connect(to: endpoint) { result in
            switch result {
            case .success(let connection):
                if self.isOver { connection.abandon() } else { self.attach(connection) }
            case .failure(let error): self.fail(.unreachable, Self.describe(error))
            }
        }
    }

    private func attach(_ connection: UpstreamConnection) {
        self.connection = connection
        connection.begin(self, head)
        switch body {
        case .whole(let pieces):
            unsent = pieces[...]
            sendPortion()
        case .streamed:
            hasStreamed = !early.isEmpty
            for piece in early { connection.send(piece) }
            early = []
            if isEarlyFinish { connection.finish() } else { connection.flush() }
            if connection.isWritable { receiver?.upstreamBecameWritable() }
        }
    }

    /// Bytes of a whole body that one turn of the event loop sends, and the time until the next one. Without a pause the loop
    /// would see to nobody else until the kernel takes no more, which on loopback is megabytes later.
    private static let portion = 256 << 10
    private static let pause = TimeAmount.microseconds(30)

    private func sendPortion() {
        portionIsDue = false
        guard let connection else { return }
        var sent = 0
        while sent < Self.portion, let piece = unsent.popFirst() {
            connection.send(piece)
            sent += piece.readableBytes
        }
        if unsent.isEmpty { return connection.finish() }
        connection.flush()
        if connection.isWritable { scheduleNextPortion() }
    }

    private func scheduleNextPortion() {
        guard !portionIsDue else { return }
        portionIsDue = true
        pool.loop.assumeIsolated().scheduleTask(in: Self.pause) { self.sendPortion() }
    }

    // MARK: From the receiver

    /// Whether more of a streamed body is wanted now.
    var isWritable: Bool { connection?.isWritable ?? false }

    func send(_ bytes: ByteBuffer) {
        guard let connection else {
            early.append(bytes)
            return
        }
        hasStreamed = true
        connection.send(bytes)
    }

    func flush() { connection?.flush() }

    func finish() {
        guard let connection else {
            isEarlyFinish = true
            return
        }
        connection.finish()
    }

    func resumeReading() { connection?.resumeReading() }

    /// The receiver has gone: upstream must stop working for it.
    func cancel() {
        isOver = true
        receiver = nil
        unsent = []
        connection?.abandon()
        connection = nil
    }

    // MARK: From the connection

    var receiverTakesMore: Bool { receiver?.takesMore ?? true }

    /// A byte has come: the upstream has acted on the request, which must not be sent again.
    func replyBegins() { hasReply = true }

    func received(_ head: HTTPResponseHead) {
        if case .whole = body { body = .whole([]) }
        let fields = Fields(head.headers)
        receiver?.upstreamReplied(
            ReplyHead(status: Int(head.status.code), fields: fields.forwarded()),
            length: fields["content-length"].flatMap { Int($0) })
    }

    func received(_ bytes: ByteBuffer) { receiver?.upstreamSent(bytes) }

    func readCompleted() { receiver?.upstreamReadCompleted() }

    func becameWritable() {
        if unsent.isEmpty { receiver?.upstreamBecameWritable() } else { scheduleNextPortion() }
    }

    func ended() {
        isOver = true
        unsent = []
        connection = nil
        takeReceiver()?.upstreamEnded()
    }

    private func takeReceiver() -> (any UpstreamReceiver)? {
        defer { receiver = nil }
        return receiver
    }

    func broke(_ reason: String, on broken: UpstreamConnection) {
        guard broken === connection else { return }
        connection = nil
        unsent = []
        // A kept connection may have been closed while the request was on its way; then nobody has acted on it, and
        // it goes out once more over a new one.
        if isReused, !hasReply, canRepeat {
            start(reuse: false)
        } else {
            fail(.broken, reason)
        }
    }

    private var canRepeat: Bool {
        switch body {
        case .whole: true
        case .streamed: !hasStreamed && !isEarlyFinish
        }
    }

    private func fail(_ kind: UpstreamFailure.Kind, _ reason: String) {
        guard !isOver else { return }
        isOver = true
        takeReceiver()?.upstreamFailed(UpstreamFailure(kind: kind, endpoint: endpoint, reason: reason))
    }

    static func describe(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            String(describing: error.errnoCode == 0 ? error.description : errnoText(error.errnoCode))
        case is ChannelError: "no connection in time"
        default: TLSReason.text(of: error) ?? "\(error)"
        }
    }
}
