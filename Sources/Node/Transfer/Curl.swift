import Foundation
import Synchronization

/// HTTP as a client, by the system's libcurl: TLS with the system's roots, redirects, and the proxies that the
/// environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
///
/// For whatever leaves the local network; calls within it go through Wire.
package enum Curl {
    /// Redirects that are followed.
    package static let redirectLimit = 10
    /// How long a connection may take to come about.
    package static let connectTimeout = Duration.seconds(15)

    package struct Request: Equatable, Sendable {
        /// http or https.
        package var url: String
        /// `Name: value`, each.
        package var headers: [String]
        /// GET, unless a body makes it POST.
        package var method: String?
        /// Sent with POST or another method that has one; nil for none.
        package var body: [UInt8]?
        /// For the whole exchange; nil for as long as bytes come.
        package var timeout: Duration?
        /// How long nothing may come before the connection counts as dead.
        package var stallTimeout: Duration
        package var followsRedirects: Bool
        /// Past the proxies that the environment names: for this host's own services.
        package var isDirect = false

        package init(
            _ url: String, headers: [String] = [], method: String? = nil, body: [UInt8]? = nil,
            timeout: Duration? = nil, stallTimeout: Duration = .seconds(60), followsRedirects: Bool = true
        ) {
            self.url = url
            self.headers = headers
            self.method = method
            self.body = body
            self.timeout = timeout
            self.stallTimeout = stallTimeout
            self.followsRedirects = followsRedirects
        }
    }

    /// The head of the reply that is no redirect.
    package struct Head: Equatable, Sendable {
        package var status = 0
        /// Names in lower case; the last of several with one name.
        package var fields: [String: String] = [:]

        package init(status: Int = 0, fields: [String: String] = [:]) {
            self.status = status
            self.fields = fields
        }
    }

    /// Takes a reply as it arrives, on a thread of libcurl's.
    package protocol Sink: Sendable {
        /// Called once, before any body.
        ///
        /// - Returns: false ends the transfer.
        func take(_ head: Head) -> Bool
        /// - Returns: false ends the transfer.
        func take(_ bytes: UnsafeRawBufferPointer) -> Bool
    }

    /// Fetches a whole reply into memory.
    ///
    /// - Parameters:
    ///   - url: http or https.
    ///   - timeout: for all of it.
    ///   - limit: bytes of body that are accepted.
    /// - Throws: ``CurlFailure``. A status such as 404 is a reply, not a failure.
    package static func get(
        _ url: String, timeout: Duration, limit: Int
    ) async throws -> (status: Int, body: [UInt8]) {
        try await get(Request(url, timeout: timeout, stallTimeout: timeout), limit: limit)
    }

    package static func get(
        _ request: Request, limit: Int
    ) async throws(CurlFailure) -> (status: Int, body: [UInt8]) {
        let whole = Whole(limit: limit)
        do {
            let head = try await perform(request, into: whole)
            return (head.status, whole.state.withLock { $0.body })
        } catch {
            guard !whole.state.withLock({ $0.isFull }) else {
                throw CurlFailure(.tooLong, reason: "the reply is longer than \(limit) bytes")
            }
            throw error
        }
    }

    /// Performs a request on a thread of its own; cancelling the task ends it.
    ///
    /// - Throws: ``CurlFailure``.
    package static func perform(_ request: Request, into sink: any Sink) async throws(CurlFailure) -> Head {
        let isCancelled = Cancellation()
        let result: Result<Head, CurlFailure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let thread = Thread {
                    continuation.resume(returning: CurlExchange.run(request, sink: sink, isCancelled: isCancelled))
                }
                thread.name = "curl"
                thread.start()
            }
        } onCancel: {
            isCancelled.flag.store(true, ordering: .relaxed)
        }
        return try result.get()
    }

    /// Performs a request for the sake of its head.
    ///
    /// - Throws: ``CurlFailure``.
    package static func head(_ request: Request) async throws(CurlFailure) -> Head {
        try await perform(request, into: Nothing())
    }

    private struct Nothing: Sink {
        func take(_ head: Head) -> Bool { true }
        func take(_ bytes: UnsafeRawBufferPointer) -> Bool { true }
    }

    final class Cancellation: Sendable {
        let flag = Atomic(false)
    }

    private final class Whole: Sink {
        struct State {
            var body: [UInt8] = []
            var isFull = false
        }

        let limit: Int
        let state = Mutex(State())

        init(limit: Int) { self.limit = limit }

        func take(_ head: Head) -> Bool { true }

        func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
            state.withLock { state in
                guard state.body.count + bytes.count <= limit else {
                    state.isFull = true
                    return false
                }
                state.body.append(contentsOf: bytes)
                return true
            }
        }
    }
}
