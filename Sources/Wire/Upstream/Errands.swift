package import NIOCore

/// The router's own requests on behalf of one client. Used on one event loop only.
package final class Errands {
    private let pool: UpstreamPool
    private var fetches: [UpstreamFetch] = []
    private var isOver = false

    init(_ pool: UpstreamPool) { self.pool = pool }

    package var loop: any EventLoop { pool.loop }

    /// A whole reply.
    ///
    /// - Parameter limit: bytes of body; a larger one fails.
    package func fetch(_ request: RequestHead, from endpoint: Endpoint, limit: Int) -> EventLoopFuture<Reply> {
        let fetch = pool.fetch(request, from: endpoint, limit: limit)
        if isOver { fetch.cancel() } else { fetches.append(fetch) }
        return fetch.reply
    }

    /// The client has gone, or is answered.
    func end() {
        isOver = true
        for fetch in fetches { fetch.cancel() }
        fetches = []
    }
}
