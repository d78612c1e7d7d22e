import Wire

/// Where a tier's requests go.
struct BedrockEndpoint: Equatable, Sendable {
    /// `https://HOST[:PORT][/PREFIX]`, without a slash at the end.
    let url: String
    /// As the request's Host field has it: the port only where it is not the scheme's own.
    let host: String
    /// Before every path; empty or beginning with a slash.
    let prefix: String

    /// - Parameter custom: `aws_endpoint_url` of the tier.
    /// - Returns: nil where that is no http or https URL, or the region is none.
    init?(custom: String?, region: String) {
        guard !region.isEmpty, region.utf8.allSatisfy(Self.mayBeInRegion) else { return nil }
        guard let custom else {
            host = "bedrock-runtime.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")"
            url = "https://\(host)"
            prefix = ""
            return
        }
        let lower = custom.lowercased()
        guard let scheme = ["https://", "http://"].first(where: lower.hasPrefix) else { return nil }
        let rest = custom.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var prefix = String(rest[slash...])
        while prefix.hasSuffix("/") { prefix.removeLast() }
        guard let (name, port) = HostPort.split(rest[..<slash]),
            prefix.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        else { return nil }
        let isOwnPort = port == nil || port == (scheme == "https://" ? 443 : 80)
        let bracketed = name.contains(":") ? "[\(name)]" : name
        host = isOwnPort ? bracketed : "\(bracketed):\(port ?? 0)"
        url = "\(scheme)\(host)\(prefix)"
        self.prefix = prefix
    }

    private static func mayBeInRegion(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A, 0x2D: true
        default: false
        }
    }
}
