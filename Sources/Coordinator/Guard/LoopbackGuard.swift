package import Wire

/// Keeps web pages away from a router without keys.
///
/// A page that a browser shows can send requests to this host, under its own name by rebinding DNS, or from its own
/// origin. No client that the router is for does either, so:
///
/// 1. `Host` must be an address, `localhost`, `*.local`, a name whose first label is this host's, or one in
///    `ROUTER_ALLOWED_HOSTS`;
/// 2. `Origin`, where there is one, must not be `null`, and an http(s) one must be loopback, the host that the request
///    is for, or in `ROUTER_ALLOWED_HOSTS`. Other schemes are editors' and pass. A host that passes for its first label
///    alone does not count here, unless that label is all of it: anybody may have a domain with such a name in it;
/// 3. without `Origin`, `Sec-Fetch-Site` must not tell of another site: browsers send no origin with what an image, a script
///    or a frame of a page asks for, but this (W3C, Fetch Metadata Request Headers), and `/unload` needs no more than that.
package struct LoopbackGuard: Sendable {
    private let hostLabel: String
    private let allowed: Set<String>

    /// - Parameters:
    ///   - hostName: of this machine.
    ///   - allowedHosts: `ROUTER_ALLOWED_HOSTS`: names parted by commas or white space.
    package init(hostName: String, allowedHosts: String) {
        hostLabel = String(Self.firstLabel(hostName.lowercased()))
        allowed = Set(
            allowedHosts.split(whereSeparator: { $0 == "," || $0.isWhitespace }).map { $0.lowercased() })
    }

    /// - Returns: the refusal; nil when the request may pass.
    package func fault(_ fields: Fields) -> OpenAIError? {
        let host = Self.hostName(fields["host"] ?? "")
        // 1
        guard isOwn(host) else {
            return OpenAIError(
                403, "forbidden_host",
                "This router does not answer for the host name \"\(host)\". Use its address, or set ROUTER_ALLOWED_HOSTS."
            )
        }
        // 2
        for origin in fields.all("origin") where !isWelcome(origin, at: host) {
            return OpenAIError(
                403, "forbidden_origin",
                "Pages from \"\(origin)\" may not use this router. Set ROUTER_ALLOWED_HOSTS to allow their host.")
        }
        // 3
        if !fields.contains("origin"), let site = fields["sec-fetch-site"]?.lowercased(),
            site == "cross-site" || site == "same-site"
        {
            return OpenAIError(
                403, "forbidden_origin", "Pages of other sites may not use this router. Open its address by itself.")
        }
        return nil
    }

    private func isOwn(_ host: String) -> Bool {
        isOnlyOwn(host) || (!hostLabel.isEmpty && Self.firstLabel(host) == hostLabel)
    }

    /// Whether no page of somebody else's can be under that name.
    private func isOnlyOwn(_ host: String) -> Bool {
        Self.isAddress(host) || host == "localhost" || host.utf8.suffix(6).elementsEqual(".local".utf8)
            || allowed.contains(host)
            || (!hostLabel.isEmpty && host == hostLabel)
    }

    private func isWelcome(_ origin: String, at host: String) -> Bool {
        let origin = origin.lowercased()
        if origin == "null" { return false }
        guard let scheme = ["http://", "https://"].first(where: origin.hasPrefix) else { return true }
        let from = Self.hostName(origin.dropFirst(scheme.utf8.count))
        return (from == host && isOnlyOwn(host)) || from == "localhost" || from == "::1" || allowed.contains(from)
            || (from.hasPrefix("127.") && Self.isAddress(from))
    }

    // By bytes, as in ``HostPort``.

    private static func hostName(_ text: some StringProtocol) -> String {
        var host = HostPort.split(text)?.host.lowercased() ?? ""
        if host.utf8.last == dot { host.removeLast() }
        return host
    }

    private static func firstLabel(_ host: String) -> Substring {
        Substring(host.utf8.drop { $0 == dot }.prefix { $0 != dot })
    }

    /// Dotted decimal, or anything with a colon: no name has one.
    private static func isAddress(_ host: String) -> Bool {
        if host.utf8.contains(UInt8(ascii: ":")) { return true }
        let parts = host.utf8.split(separator: dot, maxSplits: 4, omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.allSatisfy { (0x30...0x39).contains($0) }
                    && part.reduce(0) { $0 * 10 + Int($1 - 0x30) } < 256
            }
    }

    private static let dot = UInt8(ascii: ".")
}
