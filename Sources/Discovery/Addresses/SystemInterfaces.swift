#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// This host's network interfaces, as the system has them now.
package enum SystemInterfaces {
    // The same numbers on Linux and Darwin, imported under different types.
    private static let isUp: UInt32 = 0x1
    private static let isLoopback: UInt32 = 0x8
    private static let isPointToPoint: UInt32 = 0x10

    /// Those that are up; none where the system does not say.
    package static func current() -> [HostInterface] {
        var head: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&head) == 0 else { return [] }
        defer { freeifaddrs(head) }
        var found: [String: HostInterface] = [:]
        var next = head
        while let entry = next {
            next = entry.pointee.ifa_next
            let flags = UInt32(truncatingIfNeeded: entry.pointee.ifa_flags)
            guard flags & isUp != 0, let namePointer = entry.pointee.ifa_name else { continue }
            let name = String(cString: namePointer)
            var interface =
                found[name]
                ?? HostInterface(
                    index: Int(if_nametoindex(name)), name: name, isLoopback: flags & isLoopback != 0,
                    isPointToPoint: flags & isPointToPoint != 0)
            if let address = address(entry.pointee.ifa_addr) {
                let mask = self.address(entry.pointee.ifa_netmask, family: address.family)
                let prefix = mask?.bytes.reduce(0) { $0 + $1.nonzeroBitCount } ?? address.bytes.count * 8
                interface.networks.append(IPNetwork(address: address, prefixLength: prefix))
            }
            found[name] = interface
        }
        return found.values.sorted { $0.index < $1.index }
    }

    /// - Parameter family: what the bytes are, where the structure itself does not say (netmasks on Darwin).
    private static func address(_ pointer: UnsafeMutablePointer<sockaddr>?, family: IPAddress.Family? = nil)
        -> IPAddress?
    {
        guard let pointer else { return nil }
        switch (family, Int32(pointer.pointee.sa_family)) {
        case (.v4, _), (nil, AF_INET):
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { inner in
                withUnsafeBytes(of: inner.pointee.sin_addr) { IPAddress(bytes: $0) }
            }
        case (.v6, _), (nil, AF_INET6):
            return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { inner in
                withUnsafeBytes(of: inner.pointee.sin6_addr) { IPAddress(bytes: $0) }
            }
        default:
            return nil
        }
    }
}

extension IPAddress {
    /// As people write it: `10.0.0.7`, `fe80::1`.
    package var text: String {
        // 46: INET6_ADDRSTRLEN
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { buffer in
            let family = family == .v4 ? AF_INET : AF_INET6
            guard let start = buffer.baseAddress, inet_ntop(family, bytes, start, 46) != nil else { return "" }
            return String(cString: start)
        }
    }

    /// Nil where the text is not an address; a zone is not part of one.
    package init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(bytes: withUnsafeBytes(of: &four) { Array($0) })
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            self.init(bytes: withUnsafeBytes(of: &six) { Array($0) })
        } else {
            return nil
        }
    }
}
