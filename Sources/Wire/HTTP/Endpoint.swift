package import Cluster

/// Where an upstream server listens.
package struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    package var host: String
    package var port: Int
    /// Put before every request's path; empty or beginning with `/`, without one at the end.
    package var prefix: String
    package var security: Security = .plain

    /// How a connection to it is protected.
    package enum Security: Hashable, Sendable {
        case plain
        /// TLS 1.3 with this host's certificate, and nobody but the node that is expected at the other end; nil takes
        /// whomever the identity verifies.
        case tls(TLSIdentity, expected: NodeID?)
    }

    package init(host: String, port: Int, prefix: String = "", security: Security = .plain) {
        self.host = host
        self.port = port
        self.prefix = prefix
        self.security = security
    }

    /// Reads `http://HOST[:PORT][/PREFIX]`; anything else is nil.
    package init?(url: String) {
        guard url.lowercased().hasPrefix("http://") else { return nil }
        let rest = url.dropFirst(7)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var prefix = String(rest[slash...])
        while prefix.hasSuffix("/") { prefix.removeLast() }
        guard let (host, port) = HostPort.split(rest[..<slash]), !prefix.contains(where: { $0 == "?" || $0 == "#" })
        else {
            return nil
        }
        self.init(host: host, port: port ?? 80, prefix: prefix)
    }

    /// `HOST:PORT`, as a `Host` field has it.
    package var authority: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }

    var isTLS: Bool { if case .plain = security { false } else { true } }

    package var description: String { "\(isTLS ? "https" : "http")://\(authority)\(prefix)" }
}

/// The `HOST[:PORT]` of URLs and `Host` fields.
package enum HostPort {
    /// - Returns: the host without brackets, and the port if one is named; nil when it is malformed.
    package static func split(_ text: some StringProtocol) -> (host: String, port: Int?)? {
        // By bytes: each request's `Host` goes this way, and characters cost it microseconds.
        let bytes = Substring(text).utf8
        let (host, rest): (Substring.UTF8View, Substring.UTF8View)
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = bytes[bytes.index(after: bytes.startIndex)..<end]
            rest = bytes[bytes.index(after: end)...]
        } else {
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            (host, rest) = (bytes[..<colon], bytes[colon...])
        }
        guard !host.isEmpty, host.allSatisfy(Self.mayBeInHost) else { return nil }
        let name = String(Substring(host))
        guard rest.first == UInt8(ascii: ":") else { return rest.isEmpty ? (name, nil) : nil }
        let digits = rest.dropFirst()
        if digits.isEmpty { return (name, nil) }
        // No sign, which `Int` would take.
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(Substring(digits)),
            (1...65535).contains(port)
        else {
            return nil
        }
        return (name, port)
    }

    /// What host names and addresses are made of; `%` begins the zone of a link-local address.
    private static func mayBeInHost(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x3A, 0x25: true
        default: false
        }
    }
}
