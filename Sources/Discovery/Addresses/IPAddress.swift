/// An IPv4 or IPv6 address as the network has it.
package struct IPAddress: Hashable, Sendable {
    package enum Family: Hashable, Sendable { case v4, v6 }

    /// 4 or 16, the most significant first.
    package let bytes: [UInt8]

    /// Nil unless there are 4 or 16 bytes.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = Array(bytes)
    }

    package var family: Family { bytes.count == 4 ? .v4 : .v6 }

    /// 169.254.0.0/16 or fe80::/10: means something only together with an interface.
    package var isLinkLocal: Bool {
        family == .v4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
    }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        family == .v4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    /// Whether it can be one host's: not unspecified, multicast, broadcast or an IPv4 address written as IPv6.
    package var isUnicast: Bool {
        if bytes.allSatisfy({ $0 == 0 }) { return false }
        if family == .v4 { return bytes[0] != 0 && bytes[0] < 224 }
        return bytes[0] != 0xff && !(bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff)
    }
}

/// A range of addresses: those that begin with the same bits.
package struct IPNetwork: Hashable, Sendable {
    /// Any address of the range; an interface's own where it belongs to one.
    package var address: IPAddress
    /// Bits that are the same.
    package var prefixLength: Int

    package init(address: IPAddress, prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    package func contains(_ other: IPAddress) -> Bool {
        guard other.family == address.family else { return false }
        let whole = min(prefixLength / 8, other.bytes.count)
        guard other.bytes[..<whole] == address.bytes[..<whole] else { return false }
        let rest = prefixLength % 8
        guard rest > 0, whole < other.bytes.count else { return true }
        let mask = UInt8.max << (8 - rest)
        return other.bytes[whole] & mask == address.bytes[whole] & mask
    }
}
