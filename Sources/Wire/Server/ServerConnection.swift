import NIOCore
import NIOHTTP1
import Synchronization

/// A client's connection: its requests one after the other, each to a reply made here or to an upstream's.
final class ServerConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    enum Phase {
        /// Between requests.
        case waiting
        case collecting(Collection)
        case receiving(Receipt)
        /// The request goes to an upstream, its body as it comes.
        case streaming(UpstreamCall)
        /// The whole request is with the upstream.
        case forwarding(UpstreamCall)
        /// The router takes the whole request where it finds best.
        case dispatching(Dispatch)
        /// The reply is being worked out, perhaps from what others are asked for it.
        case answering(Errands? = nil)
        /// The reply is written bit by bit by the router itself.
        case emitting(ReplyStream)
        /// The reply is complete, the request is not: the rest of it is thrown away.
        case answered
        /// The connection ends. What still comes is thrown away, so that no reset overtakes the last reply.
        case lingering

        /// A body that is read whole, for something of the router's own.
        struct Receipt {
            var body = ByteBuffer()
            let limit: Int
            let work: (ByteBuffer, Errands) -> EventLoopFuture<Reply>
        }

        /// The request that somebody else answers.
        var call: (any OngoingCall)? {
            switch self {
            case .streaming(let call), .forwarding(let call): call
            case .dispatching(let dispatch): dispatch.call
            case .waiting, .collecting, .receiving, .answering, .emitting, .answered, .lingering: nil
            }
        }

        /// Nobody wants the reply any more.
        func cancel() {
            if case .dispatching(let dispatch) = self { dispatch.cancel() } else { call?.cancel() }
        }

        /// What is asked for the request that is being answered.
        var errands: Errands? {
            if case .answering(let errands) = self { errands } else { nil }
        }
    }

    let state: ServerLoop
    let peer: Peer
    var context: ChannelHandlerContext?
    var phase = Phase.waiting
    var head = RequestHead(method: "", target: "")
    var framing = ReplyFraming(.http1_1, method: "")
    var requestIsOpen = false
    var replyHasBegun = false
    var keepAlive = true
    /// Bytes of the request's body that are kept until its reply begins.
    private var heldBytes = 0
    /// Parts of the next requests, sent before this one was answered.
    var queue = CircularBuffer<HTTPServerRequestPart>()
    var takesFromQueue = false
    /// What is wrong with the bytes behind the queue: said once all before them is answered.
    var laterFault: OpenAIError?
    private var readIsHeld = false
    /// When the connection ends for what the client does not do.
    private var deadline = NIODeadline.distantFuture
    private var headHasBegun = false
    /// Bytes that were written to the client since it connected.
    var offered = 0
    private var stall = StallWatch()
    /// Numbers the requests, so that a reply worked out elsewhere cannot answer a later one.
    var exchange = 0

    init(_ state: ServerLoop, _ peer: Peer) {
        self.state = state
        self.peer = peer
    }

    var limits: RequestLimits { state.shared.limits }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        state.add(self)
        setDeadline(limits.headSeconds)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        state.remove(self)
    }

    func read(context: ChannelHandlerContext) {
        if holdsReading { readIsHeld = true } else { context.read() }
    }

    private var holdsReading: Bool {
        if !queue.isEmpty { return true }
        switch phase {
        case .streaming(let call): return !call.isWritable
        case .lingering: return false
        // Who does not take replies may not ask for more of them.
        case .waiting, .collecting, .receiving, .forwarding, .dispatching, .answering, .emitting, .answered:
            return !takesMore
        }
    }

    func resumeReading() {
        guard readIsHeld, !holdsReading else { return }
        readIsHeld = false
        context?.read()
    }

    /// Bytes have come that the decoder has not read yet.
    func bytesArrived() {
        if case .waiting = phase, queue.isEmpty, !headHasBegun {
            headHasBegun = true
            setDeadline(limits.headSeconds)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .lingering = phase { return }
        let startsAnother = if case .head = part { !isWaiting } else { false }
        if startsAnother || !queue.isEmpty { queue.append(part) } else { take(part) }
    }

    var isWaiting: Bool {
        if case .waiting = phase { true } else { false }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .streaming(let call) = phase { call.flush() }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            phase.call?.resumeReading()
            resumeReading()
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        abandon()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? HTTPParserError {
        case .none, .closedConnection, .invalidEOFState: cut()
        case .headerOverflow:
            refuseUnread(OpenAIError(431, "head_too_large", "The request's head is larger than \(limits.head) bytes."))
        case .some(let error):
            refuseUnread(OpenAIError(400, "invalid_request", "The request is not valid HTTP/1.1 (\(error))."))
        }
    }

    /// Nothing after a fault of the framing can be read.
    func refuseUnread(_ fault: OpenAIError) {
        if !queue.isEmpty || !(isWaiting || requestIsOpen) {
            laterFault = fault
            return
        }
        if isWaiting {
            framing = ReplyFraming(.http1_1, method: "")
            replyHasBegun = false
        }
        // So that the rest of it is read, and no reset overtakes the refusal.
        requestIsOpen = true
        refuse(fault)
    }

    func setDeadline(_ seconds: Int) { deadline = .now() + .seconds(Int64(seconds)) }

    func secondPassed(_ now: NIODeadline) {
        if case .dispatching(let dispatch) = phase { dispatch.secondPassed() }
        let waiting = (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if stall.isOver(
            offered: offered, waiting: waiting, at: now, limit: .seconds(Int64(limits.stalledSeconds)))
        {
            return cut()
        }
        guard now >= deadline else { return }
        switch phase {
        case .waiting where waiting > 0, .lingering where waiting > 0: break  // It is still taking its reply.
        case .waiting where headHasBegun:
            refuseUnread(
                OpenAIError(
                    408, "request_timeout", "The request's head did not come within \(limits.headSeconds) s."))
        case .streaming(let call) where !call.isWritable: setDeadline(limits.stalledSeconds)
        case .collecting, .receiving, .streaming:
            refuse(
                OpenAIError(
                    408, "request_timeout", "Nothing came of the request's body for \(limits.stalledSeconds) s."))
        case .waiting, .forwarding, .dispatching, .answering, .emitting, .answered, .lingering: cut()
        }
    }

    /// Ends the connection, once the request in hand is answered.
    func drain() {
        switch phase {
        case .waiting: closeWhenWritten(lingers: false)
        case .emitting(let stream):
            // It has no end of its own that could be waited for.
            keepAlive = false
            stream.clientLeft()
            endReply()
        default: keepAlive = false
        }
    }

    func cut() {
        let isIdle = isWaiting && !headHasBegun
        abandon()
        if isIdle { context?.close(promise: nil) } else { context?.closeAtOnce() }
    }

    private func abandon() {
        phase.cancel()
        if case .emitting(let stream) = phase { stream.clientLeft() }
        let errands = phase.errands
        releaseBody()
        phase = .lingering
        queue.removeAll()
        laterFault = nil
        errands?.end()
        peer.endExchange()
    }

    // MARK: Requests

    func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): begin(head)
        case .body(let bytes): body(bytes)
        case .end: end()
        }
    }

    private func begin(_ received: HTTPRequestHead) {
        exchange += 1
        deadline = .distantFuture
        headHasBegun = false
        head = RequestHead(method: received.method.rawValue, target: received.uri, fields: Fields(received.headers))
        framing = ReplyFraming(received.version, method: head.method)
        keepAlive = received.isKeepAlive && !state.isDraining
        requestIsOpen = true
        replyHasBegun = false
        if let fault = HeadRules.fault(head, limits) { return refuse(fault) }
        let length = head.fields["content-length"].flatMap { Int($0) }
        let hasBody = (length ?? 0) > 0 || head.fields.contains("transfer-encoding")
        switch state.shared.router.admit(head, from: peer) {
        case .reply(let reply):
            if hasBody { keepAlive = false }
            send(reply)
        case .collect(let scan):
            if length ?? 0 > limits.body { return refuse(bodyTooLarge) }
            phase = .collecting(Collection(scan))
            setDeadline(limits.stalledSeconds)
            sendContinue()
        case .receive(let limit, let work):
            if length ?? 0 > limit { return refuse(tooLarge(limit)) }
            phase = .receiving(Phase.Receipt(limit: limit, work: work))
            setDeadline(limits.stalledSeconds)
            sendContinue()
        case .forward(let endpoint):
            if hasBody { setDeadline(limits.stalledSeconds) }
            forward(hasBody ? .streamed(length: length) : .whole([]), to: endpoint) {
                hasBody ? .streaming($0) : .forwarding($0)
            }
            sendContinue()
        case .answer(let work):
            let errands = Errands(state.pool)
            phase = .answering(errands)
            sendContinue()
            answer(work, errands)
        case .stream(let reply, let start):
            let stream = ReplyStream(self, exchange, loop: state.pool.loop)
            phase = .emitting(stream)
            sendContinue()
            begin(reply)
            // Writing the head may have shown that the client has gone.
            if stream.isOpen { start(stream) }
        }
    }

    private func body(_ bytes: ByteBuffer) {
        switch phase {
        case .collecting(var collection):
            phase = .waiting  // So that the collection has one owner and grows in place.
            let size = collection.size + bytes.readableBytes
            let total = state.shared.bodyBytes.add(bytes.readableBytes, ordering: .relaxed).newValue
            state.shared.noteUse()
            heldBytes += bytes.readableBytes
            setDeadline(limits.stalledSeconds)
            collection.append(bytes)
            phase = .collecting(collection)
            if size > limits.body { return refuse(bodyTooLarge) }
            if total > (size > limits.smallBody ? limits.bodies / 8 * 7 : limits.bodies) {
                refuse(
                    OpenAIError(503, "overloaded", "Too many large requests are waiting at once.", retryAfter: 1))
            }
        case .receiving(var receipt):
            phase = .waiting  // As above.
            setDeadline(limits.stalledSeconds)
            receipt.body.writeImmutableBuffer(bytes)
            let size = receipt.body.readableBytes
            phase = .receiving(receipt)
            if size > receipt.limit { refuse(tooLarge(receipt.limit)) }
        case .streaming(let call):
            setDeadline(limits.stalledSeconds)
            call.send(bytes)
        case .waiting, .forwarding, .dispatching, .answering, .emitting, .answered, .lingering: break
        }
    }

    private func end() {
        requestIsOpen = false
        switch phase {
        case .collecting(let collection):
            deadline = .distantFuture
            route(collection)
        case .receiving(let receipt):
            deadline = .distantFuture
            let errands = Errands(state.pool)
            phase = .answering(errands)
            answer({ receipt.work(receipt.body, $0) }, errands)
        case .streaming(let call):
            deadline = .distantFuture
            phase = .forwarding(call)
            call.finish()
        case .answered: next()
        case .waiting, .forwarding, .dispatching, .answering, .emitting, .lingering: break
        }
    }

    private func route(_ collection: Collection) {
        var collection = collection
        let outcome = collection.finish()
        let modelName = collection.modelName(in: outcome)
        switch state.shared.router.route(head, outcome, modelName: modelName, from: peer) {
        case .reply(let reply): send(reply)
        case .forward(let endpoint, let edit):
            forward(.whole(edit.applied(to: collection.pieces)), to: endpoint) { .forwarding($0) }
        case .dispatch(let itinerary):
            let dispatch = Dispatch(itinerary, collection.pieces, for: self, state.pool)
            phase = .dispatching(dispatch)
            dispatch.start()
        }
    }

    private func forward(_ body: UpstreamCall.Body, to endpoint: Endpoint, _ next: (UpstreamCall) -> Phase) {
        let call = UpstreamCall(head, body: body, to: endpoint, pool: state.pool, receiver: self)
        phase = next(call)
        call.start()
    }

    private func answer(_ work: (Errands) -> EventLoopFuture<Reply>, _ errands: Errands) {
        let number = exchange
        work(errands).assumeIsolated().whenComplete { result in
            guard number == self.exchange, case .answering = self.phase else { return }
            switch result {
            case .success(let reply): self.send(reply)
            case .failure(let error): self.send(OpenAIError(500, "internal_error", "\(error)").reply)
            }
        }
    }

    /// Gives back what the request in hand holds of the room for bodies.
    func releaseBody() {
        state.shared.bodyBytes.subtract(heldBytes, ordering: .relaxed)
        heldBytes = 0
    }

    private var bodyTooLarge: OpenAIError {
        OpenAIError(413, "request_too_large", "The request's body is larger than \(limits.body >> 20) MiB.")
    }

    private func tooLarge(_ limit: Int) -> OpenAIError {
        OpenAIError(413, "request_too_large", "The request's body is larger than \(limit >> 10) KiB.")
    }
}
