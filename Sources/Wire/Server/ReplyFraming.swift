import NIOHTTP1

/// How one reply's body is delimited for its client (RFC 9112, section 6.3).
struct ReplyFraming {
    /// HTTP/1.0: knows no chunks, and keeps a connection only where both sides say so.
    let isOldClient: Bool
    private let isHeadRequest: Bool
    /// Whether bytes of a body may be written at all.
    private(set) var carriesBody = true

    init(_ version: HTTPVersion, method: String) {
        isOldClient = version == .http1_0
        isHeadRequest = method == "HEAD"
    }

    /// - Parameters:
    ///   - length: of the body, where it is known.
    ///   - keepAlive: cleared when only the end of the connection can end the body.
    mutating func head(_ reply: ReplyHead, length: Int?, keepAlive: inout Bool) -> HTTPResponseHead {
        var headers = reply.fields.headers
        let neverHasBody = reply.status < 200 || reply.status == 204 || reply.status == 304
        carriesBody = !isHeadRequest && !neverHasBody
        if let length {
            if !neverHasBody { headers.add(name: "content-length", value: String(length)) }
        } else if carriesBody {
            if !isOldClient {
                headers.add(name: "transfer-encoding", value: "chunked")
            } else {
                keepAlive = false
            }
        }
        if !keepAlive {
            headers.add(name: "connection", value: "close")
        } else if isOldClient {
            headers.add(name: "connection", value: "keep-alive")
        }
        return HTTPResponseHead(version: .http1_1, status: .init(statusCode: reply.status), headers: headers)
    }
}
