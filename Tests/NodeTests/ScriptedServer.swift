import Foundation
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// An HTTP server on the loopback address that does what a test says, misdeeds included: one request a connection.
final class ScriptedServer: Sendable {
    struct Request: Sendable {
        var path: String
        /// Names in lower case.
        var fields: [String: String]
        /// 1 for the first request of this path.
        var attempt: Int

        /// N of `Range: bytes=N-`.
        var offset: Int? {
            fields["range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
        }
    }

    struct Reply: Sendable {
        var status = 200
        var fields: [String] = []
        var body: [UInt8] = []
        /// What Content-Length says; nil says the truth.
        var claimedLength: Int?
        /// Bytes of the body that are sent; nil sends all.
        var sent: Int?
        /// Whether the connection then stays open, and silent.
        var hangs = false
        /// Whether nothing is sent at all.
        var isMute = false
    }

    let url: String
    private let descriptor: Int32
    private let seen = Mutex<[Request]>([])
    private let held = Mutex<[Int32]>([])

    /// - Parameter answer: called on a thread of the server's.
    init(_ answer: @escaping @Sendable (Request) -> Reply) throws {
        let (descriptor, port) = try Self.listen()
        self.descriptor = descriptor
        url = "http://127.0.0.1:\(port)"
        let thread = Thread { [weak self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                guard let self else {
                    _ = closeSocket(connection)
                    return
                }
                self.serve(connection, answer)
            }
        }
        thread.start()
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        _ = closeSocket(descriptor)
        for connection in held.withLock({ $0 }) { _ = closeSocket(connection) }
    }

    var requests: [Request] { seen.withLock { $0 } }

    private func serve(_ connection: Int32, _ answer: (Request) -> Reply) {
        guard let head = Self.readHead(connection) else {
            _ = closeSocket(connection)
            return
        }
        let lines = head.split(separator: "\r\n").map(String.init)
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        let path = String((lines.first ?? "").split(separator: " ").dropFirst().first ?? "/")
        let request = seen.withLock { seen in
            let request = Request(path: path, fields: fields, attempt: seen.count { $0.path == path } + 1)
            seen.append(request)
            return request
        }
        let reply = answer(request)
        if reply.isMute {
            _ = closeSocket(connection)
            return
        }
        let headLines =
            [
                "HTTP/1.1 \(reply.status) Scripted", "Connection: close",
                "Content-Length: \(reply.claimedLength ?? reply.body.count)",
            ] + reply.fields
        Self.send(Array((headLines.joined(separator: "\r\n") + "\r\n\r\n").utf8)[...], connection)
        Self.send(reply.body.prefix(reply.sent ?? reply.body.count), connection)
        if reply.hangs {
            held.withLock { $0.append(connection) }
        } else {
            _ = closeSocket(connection)
        }
    }

    private static func listen() throws -> (Int32, Int) {
        struct Failure: Error {}
        #if canImport(Darwin)
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, size) == 0 && listenOn(descriptor) == 0
                    && getsockname(descriptor, generic, &size) == 0
            }
        }
        guard isBound else { throw Failure() }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    private static func readHead(_ connection: Int32) -> String? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 65536 {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            bytes += chunk.prefix(count)
            let text = String(decoding: bytes, as: UTF8.self)
            if text.hasSuffix("\r\n\r\n") { return text }
        }
        return nil
    }

    private static func send(_ bytes: ArraySlice<UInt8>, _ connection: Int32) {
        #if canImport(Darwin)
            let flags: Int32 = 0
            var yes: Int32 = 1
            setsockopt(connection, SOL_SOCKET, SO_NOSIGPIPE, &yes, socklen_t(MemoryLayout<Int32>.size))
        #else
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { sendBytes(connection, $0.baseAddress, $0.count, flags) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

private func closeSocket(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func listenOn(_ descriptor: Int32) -> Int32 { listen(descriptor, 16) }
private func sendBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
    send(descriptor, bytes, count, flags)
}

/// A file as a server of good manners has it: with a validator, and in parts for those who ask.
struct ServedFile: Sendable {
    var body: [UInt8]
    var validator: String? = "ETag: \"one\""

    /// Bytes that look like no others: what is at the wrong place shows.
    static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    func reply(to request: ScriptedServer.Request, sent: Int? = nil, hangs: Bool = false) -> ScriptedServer.Reply {
        let tag = validator.map { $0.drop { $0 != " " }.dropFirst() }
        let fields = validator.map { [$0] } ?? []
        guard let offset = request.offset, request.fields["if-range"].map({ $0 == tag ?? "" }) ?? true else {
            return .init(fields: fields, body: body, sent: sent, hangs: hangs)
        }
        guard offset < body.count else {
            return .init(status: 416, fields: fields + ["Content-Range: bytes */\(body.count)"])
        }
        let range = "Content-Range: bytes \(offset)-\(body.count - 1)/\(body.count)"
        return .init(status: 206, fields: fields + [range], body: Array(body[offset...]), sent: sent, hangs: hangs)
    }
}
