import NIOCore
import NIOHTTP1

/// The reply side: heads and bodies written, replies ended, and what becomes of the connection then.
extension ServerConnection {
    /// Tells a client that waits for it to send the body.
    func sendContinue() {
        guard requestIsOpen, !framing.isOldClient, head.fields["expect"]?.lowercased() == "100-continue" else { return }
        context?.writeAndFlush(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }

    func refuse(_ error: OpenAIError) {
        switch phase {
        case .answered:
            keepAlive = false
            return closeWhenWritten(lingers: true)
        case .lingering: return
        case .waiting, .collecting, .receiving, .streaming, .forwarding, .dispatching, .answering, .emitting: break
        }
        if replyHasBegun { return cut() }
        phase.cancel()
        let errands = phase.errands
        phase = .answering()
        errands?.end()
        keepAlive = false
        send(error.reply)
    }

    func send(_ reply: Reply) {
        write(reply.head, length: reply.body.readableBytes)
        if framing.carriesBody, reply.body.readableBytes > 0 { write(reply.body) }
        endReply()
    }

    private func write(_ reply: ReplyHead, length: Int?, holdingBody: Bool = false) {
        replyHasBegun = true
        peer.status = reply.status
        if !holdingBody { releaseBody() }
        let head = framing.head(reply, length: length, keepAlive: &keepAlive)
        context?.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func write(_ bytes: ByteBuffer) {
        offered += bytes.readableBytes
        context?.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
    }

    func endReply() {
        context?.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if !requestIsOpen {
            next()
        } else if keepAlive {
            phase = .answered
            setDeadline(limits.headSeconds)
        } else {
            closeWhenWritten(lingers: true)
        }
        resumeReading()
    }

    /// Ends the connection once the client has taken all that was written: a close at once would drop what waits.
    ///
    /// - Parameter lingers: what the client still sends is read and thrown away for a while.
    func closeWhenWritten(lingers: Bool) {
        phase = .lingering
        peer.endExchange()
        queue.removeAll()
        laterFault = nil
        setDeadline(limits.stalledSeconds)
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in
            if lingers { self.setDeadline(self.limits.lingerSeconds) } else { self.context?.close(promise: nil) }
        }
        context.close(mode: .output, promise: written)
    }

    func next() {
        guard keepAlive, !state.isDraining else { return closeWhenWritten(lingers: false) }
        phase = .waiting
        peer.endExchange()
        setDeadline(limits.idleSeconds)
        // Answers may come at once: then the loop below goes on, and the stack does not grow with the queue.
        guard !takesFromQueue else { return }
        takesFromQueue = true
        while isWaiting || requestIsOpen, let part = queue.popFirst() { take(part) }
        takesFromQueue = false
        if queue.isEmpty, isWaiting || requestIsOpen, let fault = laterFault {
            laterFault = nil
            refuseUnread(fault)
        }
        resumeReading()
    }
}

/// From a reply stream. The number of the exchange that it belongs to keeps a late one from answering another request.
extension ServerConnection {
    /// - Parameter holdingBody: whether the request's body is still needed.
    func begin(_ reply: ReplyHead, holdingBody: Bool = false) {
        write(reply, length: nil, holdingBody: holdingBody)
        context?.flush()
    }

    func emit(_ bytes: ByteBuffer, _ number: Int) {
        guard number == exchange, case .emitting = phase, framing.carriesBody else { return }
        write(bytes)
        context?.flush()
    }

    func endEmission(_ number: Int) {
        guard number == exchange, case .emitting = phase else { return }
        endReply()
    }
}

extension ServerConnection: UpstreamReceiver {
    var takesMore: Bool { context?.channel.isWritable ?? true }

    func upstreamReplied(_ head: ReplyHead, length: Int?) { write(head, length: length) }

    func upstreamSent(_ bytes: ByteBuffer) {
        if framing.carriesBody { write(bytes) }
    }

    func upstreamReadCompleted() { context?.flush() }

    func upstreamEnded() { endReply() }

    /// The router answers in place of an upstream.
    func answer(_ reply: Reply) {
        phase = .answering()
        send(reply)
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        if replyHasBegun { return cut() }
        phase = .answering()
        send(state.shared.router.reply(to: head, after: failure))
    }

    func upstreamBecameWritable() { resumeReading() }
}
