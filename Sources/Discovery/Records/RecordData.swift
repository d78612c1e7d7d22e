/// What a DNS record says, read from its bytes. The bytes come from the network: nothing in them is trusted.
package enum RecordData: Equatable, Sendable {
    /// The numbers of RFC 1035, 2782 and 3596.
    package enum Kind: UInt16, Hashable, Sendable {
        case ipv4 = 1
        case text = 16
        case ipv6 = 28
        case service = 33
    }

    /// - `host`: in lower case, without a trailing dot.
    case service(host: String, port: Int)
    case text([String])
    case address(IPAddress)

    /// Far above the 255 bytes of ours; what fits into one packet of Ethernet.
    package static let longestText = 1300

    /// Nil where the bytes are not a record of that kind, or one that is of no use.
    package init?(_ kind: Kind, _ bytes: [UInt8]) {
        switch kind {
        case .ipv4, .ipv6:
            guard bytes.count == (kind == .ipv4 ? 4 : 16), let address = IPAddress(bytes: bytes) else { return nil }
            self = .address(address)
        case .service:
            // priority, weight, port, name
            guard bytes.count > 7, let host = Self.name(bytes[6...]) else { return nil }
            let port = Int(bytes[4]) << 8 | Int(bytes[5])
            guard port > 0 else { return nil }
            self = .service(host: host, port: port)
        case .text:
            guard bytes.count <= Self.longestText, let entries = Self.entries(bytes) else { return nil }
            self = .text(entries)
        }
    }

    /// Labels with a length before each, ended by an empty one; compression does not occur here.
    private static func name(_ bytes: ArraySlice<UInt8>) -> String? {
        var labels: [String] = []
        var rest = bytes
        while let length = rest.popFirst() {
            if length == 0 {
                return labels.isEmpty || !rest.isEmpty ? nil : labels.joined(separator: ".").lowercased()
            }
            guard length <= 63, rest.count > Int(length), bytes.count <= 255 else { return nil }
            let label = rest.prefix(Int(length))
            // Host names; anything else could not be asked for again under that name.
            guard label.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "\\") })
            else { return nil }
            labels.append(String(decoding: label, as: UTF8.self))
            rest.removeFirst(Int(length))
        }
        return nil
    }

    private static func entries(_ bytes: [UInt8]) -> [String]? {
        var entries: [String] = []
        var rest = bytes[...]
        while let length = rest.popFirst() {
            guard rest.count >= Int(length) else { return nil }
            // An empty entry means that there is none.
            if length > 0 { entries.append(String(decoding: rest.prefix(Int(length)), as: UTF8.self)) }
            rest.removeFirst(Int(length))
        }
        return entries
    }

    /// The bytes of a TXT record: each entry with its length before it. Entries above 255 bytes are left out.
    package static func bytes(ofText entries: [String]) -> [UInt8] {
        let fitting = entries.filter { !$0.isEmpty && $0.utf8.count <= 255 }
        return fitting.isEmpty ? [0] : fitting.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    }
}
