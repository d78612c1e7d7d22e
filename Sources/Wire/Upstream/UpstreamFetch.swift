package import NIOCore

extension UpstreamPool {
    /// A whole reply, for requests of the router's own.
    ///
    /// - Parameters:
    ///   - body: of the request.
    ///   - limit: bytes of the reply's body; a larger one fails.
    package func fetch(
        _ request: RequestHead, body: ByteBuffer = ByteBuffer(), from endpoint: Endpoint, limit: Int
    ) -> UpstreamFetch {
        let fetch = UpstreamFetch(promise: loop.makePromise(of: Reply.self), endpoint: endpoint, limit: limit)
        fetch.start(request, body, pool: self)
        return fetch
    }
}

/// One request of the router's own, until its reply is whole. Used on its pool's event loop only.
package final class UpstreamFetch: UpstreamReceiver {
    private let promise: EventLoopPromise<Reply>
    private let endpoint: Endpoint
    private let limit: Int
    private var received = Reply(status: 0)
    private var call: UpstreamCall?

    fileprivate init(promise: EventLoopPromise<Reply>, endpoint: Endpoint, limit: Int) {
        self.promise = promise
        self.endpoint = endpoint
        self.limit = limit
    }

    /// Fails with ``UpstreamFailure``, or CancellationError after ``cancel()``.
    package var reply: EventLoopFuture<Reply> { promise.futureResult }

    /// Nobody wants the reply any more: its connection ends. Does nothing once the reply is there.
    package func cancel() {
        call?.cancel()
        promise.fail(CancellationError())
    }

    fileprivate func start(_ request: RequestHead, _ body: ByteBuffer, pool: UpstreamPool) {
        let pieces = body.readableBytes > 0 ? [body] : []
        let call = UpstreamCall(request, body: .whole(pieces), to: endpoint, pool: pool, receiver: self)
        self.call = call
        promise.futureResult.assumeIsolated().whenComplete { _ in self.call = nil }
        call.start()
    }

    var takesMore: Bool { true }

    func upstreamReplied(_ head: ReplyHead, length: Int?) { received.head = head }

    func upstreamSent(_ bytes: ByteBuffer) {
        var bytes = bytes
        guard received.body.readableBytes + bytes.readableBytes <= limit else {
            call?.cancel()
            promise.fail(UpstreamFailure(kind: .broken, endpoint: endpoint, reason: "more than \(limit) bytes"))
            return
        }
        received.body.writeBuffer(&bytes)
    }

    func upstreamReadCompleted() {}

    func upstreamEnded() { promise.succeed(received) }

    func upstreamFailed(_ failure: UpstreamFailure) { promise.fail(failure) }

    func upstreamBecameWritable() {}
}
