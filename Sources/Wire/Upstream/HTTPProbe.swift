import NIOCore
import NIOPosix

/// Single requests outside of any server: is something there, and what does it say?
package enum HTTPProbe {
    /// Bytes of a body that a probe takes.
    private static let bodyLimit = 16 << 20

    /// What was wrong with the URL, or with what answered it.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        /// Whether nothing more is known than that the time was over.
        package var isTimeout = false
    }

    /// - Parameters:
    ///   - url: `http://HOST[:PORT][/PATH][?QUERY]`.
    ///   - timeout: for the whole exchange; a cancelled task does not wait for it.
    /// - Throws: ``Failure``.
    package static func get(_ url: String, timeout: Duration) async throws(Failure) -> (status: Int, body: [UInt8]) {
        try await ask("GET", url, timeout: timeout)
    }

    /// The same for a request of another method.
    ///
    /// - Parameter body: JSON; empty for none.
    package static func ask(
        _ method: String, _ url: String, body: [UInt8] = [], timeout: Duration
    ) async throws(Failure) -> (status: Int, body: [UInt8]) {
        // A query is part of the target, and of no endpoint.
        let question = url.firstIndex(of: "?") ?? url.endIndex
        guard var endpoint = Endpoint(url: String(url[..<question])), !url.contains("#") else {
            throw Failure(description: "\(url) is not an http:// URL")
        }
        let path = (endpoint.prefix.isEmpty ? "/" : endpoint.prefix) + url[question...]
        endpoint.prefix = ""
        return try await ask(method, at: endpoint, path: path, body: body, timeout: timeout)
    }

    /// The same for an endpoint, which may be one with TLS.
    ///
    /// - Parameters:
    ///   - path: with `/` in front, and a query perhaps; the endpoint's prefix is put before it.
    ///   - fields: sent beside `Host`; a type other than JSON for the body among them.
    package static func ask(
        _ method: String, at endpoint: Endpoint, path: String, fields: Fields = .init(), body: [UInt8] = [],
        timeout: Duration
    ) async throws(Failure) -> (status: Int, body: [UInt8]) {
        var request = RequestHead(method: method, target: path, fields: fields)
        request.fields.add("connection", "close")
        if !body.isEmpty, !fields.contains("content-type") {
            request.fields.add("content-type", "application/json")
        }
        let head = request
        let target = endpoint
        let limit = TimeAmount(timeout)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: Reply.self)
        loop.execute {
            let pool = UpstreamPool(loop: loop, connectTimeout: limit)
            let timer = loop.scheduleTask(in: limit) {
                promise.fail(Failure(description: "\(target) did not answer within \(timeout)", isTimeout: true))
            }
            let fetch = pool.fetch(head, body: ByteBuffer(bytes: body), from: target, limit: bodyLimit)
            fetch.reply.cascade(to: promise)
            // However it ends: a server that hangs would otherwise keep a connection for each probe.
            promise.futureResult.assumeIsolated().whenComplete { _ in
                timer.cancel()
                fetch.cancel()
                pool.close()
            }
        }
        do {
            let reply = try await withTaskCancellationHandler {
                try await promise.futureResult.get()
            } onCancel: {
                promise.fail(CancellationError())
            }
            return (reply.head.status, Array(reply.body.readableBytesView))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(description: "\(error)")
        }
    }
}
