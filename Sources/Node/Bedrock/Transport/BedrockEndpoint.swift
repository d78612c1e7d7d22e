import Wire

/// Where a tier's requests go.
package struct BedrockEndpoint: Equatable, Sendable {
    /// `https://HOST[:PORT][/PREFIX]`, without a slash at the end.
    package let url: String
    /// As the request's Host field has it: the port only where it is not the scheme's own.
    package let host: String
    /// Before every path; empty or beginning with a slash.
    package let prefix: String

    /// - Parameter text: `aws_endpoint_url` of a tier, or AWS's own address.
    /// - Returns: nil where that is no http or https URL of a host.
    package init?(_ text: String) {
        let lower = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: lower.hasPrefix) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var prefix = String(rest[slash...])
        while prefix.hasSuffix("/") { prefix.removeLast() }
        guard let (name, port) = HostPort.split(rest[..<slash]),
            prefix.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        else { return nil }
        let bracketed = name.contains(":") ? "[\(name)]" : name
        let otherPort = port.flatMap { $0 == (scheme == "https://" ? 443 : 80) ? nil : $0 }
        host = otherPort.map { "\(bracketed):\($0)" } ?? bracketed
        url = "\(scheme)\(host)\(prefix)"
        self.prefix = prefix
    }

    /// The region's name is part of a host's: it must not lead elsewhere.
    static func isRegion(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x61...0x7A, 0x2D: true
                default: false
                }
            }
    }
}
