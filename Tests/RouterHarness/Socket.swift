import Foundation

#if canImport(Darwin)
    import Darwin

    private let streamType = SOCK_STREAM
    private let noSignal: Int32 = 0
#elseif canImport(Glibc)
    import Glibc

    private let streamType = Int32(SOCK_STREAM.rawValue)
    private let noSignal = Int32(MSG_NOSIGNAL)
#endif

/// A blocking TCP socket on loopback: exact bytes out, exact bytes in, every wait with a deadline.
package final class Socket: Sendable {
    private let descriptor: Int32

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { _ = System.close(descriptor) }

    /// Connects to a port of this host.
    package convenience init(port: Int) throws {
        let descriptor = socket(AF_INET, streamType, 0)
        let result = Self.withLoopback(port) { connect(descriptor, $0, $1) }
        guard result == 0 else {
            let reason = String(cString: strerror(errno))
            _ = System.close(descriptor)
            throw Failure(description: "no connection to port \(port): \(reason)")
        }
        self.init(descriptor)
    }

    // MARK: Listening

    /// Listens on a free port of this host.
    package static func listening() throws -> (socket: Socket, port: Int) { try bound { listen($0, 64) } }

    private static func bound(_ then: (Int32) -> Int32) throws -> (socket: Socket, port: Int) {
        let descriptor = socket(AF_INET, streamType, 0)
        let socket = Socket(descriptor)
        guard withLoopback(0, { bind(descriptor, $0, $1) }) == 0, then(descriptor) == 0 else {
            throw Failure(description: "cannot listen: \(String(cString: strerror(errno)))")
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// A port that is this socket's as long as it lives, and on which nobody listens.
    package static func reserved() throws -> (socket: Socket, port: Int) { try bound { _ in 0 } }

    /// - Returns: nil once this socket is closed.
    package func accept() -> Socket? {
        let accepted = System.accept(descriptor)
        return accepted >= 0 ? Socket(accepted) : nil
    }

    private static func withLoopback(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    // MARK: Bytes

    /// Sends until all is sent, the other side has gone, or nothing moves for `seconds`.
    ///
    /// - Returns: the bytes sent.
    @discardableResult
    package func send(_ bytes: [UInt8], seconds: Double = 60) -> Int {
        setTimeout(SO_SNDTIMEO, seconds)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                System.send(
                    descriptor, buffer.baseAddress.map { $0 + sent }, min(bytes.count - sent, 64 << 10), noSignal)
            }
            if count <= 0 { break }
            sent += count
        }
        return sent
    }

    package func send(_ text: String) { send(Array(text.utf8)) }

    /// - Returns: what is there, 64 KiB at most; empty at the connection's end; nil when nothing comes within `seconds`.
    package func receive(seconds: Double = 60) -> [UInt8]? {
        setTimeout(SO_RCVTIMEO, seconds)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0 { return errno == ECONNRESET || errno == EPIPE ? [] : nil }
        return Array(buffer[..<count])
    }

    /// Reads until what came so far is enough, or the connection ends.
    package func read(seconds: Double = 60, until isEnough: ([UInt8]) -> Bool = { _ in false }) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while !isEnough(bytes) {
            guard let more = receive(seconds: seconds) else {
                let end = String(decoding: bytes.suffix(200), as: UTF8.self)
                throw Failure(description: "nothing within \(seconds) s after \(end.debugDescription)")
            }
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    /// Ends both directions; whoever waits here wakes.
    package func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// From now on the end of this socket is a reset, as of a client that is killed with bytes unread.
    package func resetsAtItsEnd() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    private func setTimeout(_ option: Int32, _ seconds: Double) {
        var time = timeval()
        time.tv_sec = .init(seconds)
        time.tv_usec = .init((seconds - seconds.rounded(.down)) * 1e6)
        setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }
}

/// The C functions that have the names of the methods above.
private enum System {
    static func close(_ descriptor: Int32) -> Int32 {
        #if canImport(Darwin)
            Darwin.close(descriptor)
        #else
            Glibc.close(descriptor)
        #endif
    }

    static func accept(_ descriptor: Int32) -> Int32 {
        #if canImport(Darwin)
            Darwin.accept(descriptor, nil, nil)
        #else
            Glibc.accept(descriptor, nil, nil)
        #endif
    }

    static func send(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
        #if canImport(Darwin)
            Darwin.send(descriptor, bytes, count, flags)
        #else
            Glibc.send(descriptor, bytes, count, flags)
        #endif
    }
}
