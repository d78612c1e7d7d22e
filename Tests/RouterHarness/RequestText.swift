/// Requests of a well-behaved client, as text.
package enum RequestText {
    package static let host = "Host: 127.0.0.1\r\n"
    /// The connection's last request.
    package static let last = "Connection: close\r\n"

    /// - Parameter fields: whole lines, beside Host.
    package static func get(_ target: String, _ fields: String = "") -> String {
        "GET \(target) HTTP/1.1\r\n\(host)\(fields)\r\n"
    }

    /// With its length said.
    package static func post(_ target: String, _ body: String, _ fields: String = "") -> String {
        "POST \(target) HTTP/1.1\r\n\(host)\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// In chunks of at most `size` bytes.
    package static func chunked(_ target: String, _ body: String, size: Int, _ fields: String = "") -> [UInt8] {
        var request = Array("POST \(target) HTTP/1.1\r\n\(host)\(fields)Transfer-Encoding: chunked\r\n\r\n".utf8)
        let bytes = Array(body.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let chunk = bytes[start..<min(start + size, bytes.count)]
            request += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + [13, 10]
        }
        return request + Array("0\r\n\r\n".utf8)
    }
}

extension RunningRouter {
    /// The first reply to what is sent over a new connection, once that has ended; nil where none is whole.
    package func reply(to bytes: [UInt8], endsWithConnection: Bool = false) throws -> HTTPText? {
        var bytes = try exchange(bytes)
        return HTTPText.take(from: &bytes, endsWithConnection: endsWithConnection)
    }

    package func reply(to text: String, endsWithConnection: Bool = false) throws -> HTTPText? {
        try reply(to: Array(text.utf8), endsWithConnection: endsWithConnection)
    }

    /// Replies to requests one after the other over one connection, so that one event loop sees to them.
    package func replies(to requests: [String]) throws -> [HTTPText?] {
        let socket = try Socket(port: port)
        return try requests.map { request in
            socket.send(request)
            return try socket.reply()
        }
    }
}

extension Socket {
    /// Reads one reply; nil where the connection ends before it is whole.
    package func reply() throws -> HTTPText? {
        var bytes = try read { bytes in
            var bytes = bytes
            return HTTPText.take(from: &bytes) != nil
        }
        return HTTPText.take(from: &bytes)
    }
}

extension ScriptedUpstream {
    /// The same bytes for each request.
    package static func always(_ text: String, _ next: Next = .keepOpen) -> Answer {
        { socket, _ in
            socket.send(text)
            return next
        }
    }
}
