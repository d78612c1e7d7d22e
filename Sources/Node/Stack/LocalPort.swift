#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A TCP port of this host, as a caller finds it.
package enum LocalPort {
    /// Whether anything accepts connections there. Only the connection is tried: it may speak any protocol or none.
    ///
    /// - Parameters:
    ///   - host: a numeric IPv4 or IPv6 address of this host.
    ///   - milliseconds: how long to wait where nobody even refuses.
    package static func isTaken(host: String, port: Int, milliseconds: Int32 = 500) -> Bool {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        #if canImport(Darwin)
            hints.ai_socktype = SOCK_STREAM
        #else
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #endif
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let address = found?.pointee else { return false }
        defer { freeaddrinfo(found) }
        let descriptor = socket(address.ai_family, address.ai_socktype, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return true }
        guard errno == EINPROGRESS else { return false }
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // Someone who listens but accepts nothing (a full backlog) holds the port all the same.
        guard waitFor(&poll, milliseconds) > 0 else { return true }
        var problem: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size)
        return problem == 0
    }

    private static func waitFor(_ descriptor: inout pollfd, _ milliseconds: Int32) -> Int32 {
        poll(&descriptor, 1, milliseconds)
    }
}
