#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A range of IP addresses as certificates write them: those that begin with the same bits.
struct AddressRange: Equatable, Sendable {
    /// 4 or 16 bytes, the most significant first.
    let base: [UInt8]
    /// As many; the bits that count are set.
    let mask: [UInt8]

    /// - Parameter prefix: how many bits count, from the first.
    init(_ base: [UInt8], prefix: Int) {
        self.base = base
        mask = base.indices.map { index in
            let bits = min(max(prefix - index * 8, 0), 8)
            return bits == 0 ? 0 : UInt8.max << UInt8(8 - bits)
        }
    }

    /// - Parameter constraint: address and mask, as RFC 5280, 4.2.1.10 puts them.
    /// - Returns: nil unless there are 8 or 32 bytes.
    init?(constraint: some Collection<UInt8>) {
        guard constraint.count == 8 || constraint.count == 32 else { return nil }
        base = Array(constraint.prefix(constraint.count / 2))
        mask = Array(constraint.suffix(constraint.count / 2))
    }

    var constraint: [UInt8] { base + mask }

    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == base.count else { return false }
        return zip(zip(address, base), mask).allSatisfy { pair, mask in pair.0 & mask == pair.1 & mask }
    }

    /// The 4 or 16 bytes of an address that is written as text; a zone (`fe80::1%eth0`) is left out, as it means
    /// something on one host only.
    ///
    /// - Returns: nil where the text is no address.
    static func bytes(of text: String) -> [UInt8]? {
        let text = text.prefix { $0 != "%" }
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, String(text), &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        if inet_pton(AF_INET6, String(text), &six) == 1 { return withUnsafeBytes(of: &six) { Array($0) } }
        return nil
    }
}
