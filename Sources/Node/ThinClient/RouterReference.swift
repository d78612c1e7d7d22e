import Cluster
import Wire

/// Which router a thin client is to use, as it was named.
package enum RouterReference: Equatable, Sendable {
    /// Without a slash at its end.
    case url(String)
    /// Whichever is found on the local network.
    case auto
    /// A cluster's, a router's or its host's name: to be found on the local network.
    case name(String)
    /// The one that this project found before, wherever it is now.
    case pinned(PinnedRouter)

    /// The first that says something:
    ///
    /// 1. the argument;
    /// 2. the variable: the pinned router's own URL means that router (the prompt hook exports it inside the project),
    ///    anything else is read like an argument;
    /// 3. this host's router.
    ///
    /// - Parameters:
    ///   - argument: what `--external` names; empty when it names nothing.
    ///   - variable: `$LLMSTACK_REMOTE_URL`.
    ///   - pin: the project's, where it has one.
    /// - Throws: ``RemoteCatalog/Unavailable`` when it is neither an http(s) URL nor a name.
    package static func read(
        argument: String, variable: String, pin: PinnedRouter? = nil
    ) throws(RemoteCatalog.Unavailable) -> RouterReference {
        let (argument, variable) = (trimmed(argument), trimmed(variable))
        // 1.
        if !argument.isEmpty { return try read(argument) }
        // 2.
        if let pin, pin.belongs(to: variable) { return .pinned(pin) }
        if !variable.isEmpty { return try read(variable) }
        // 3.
        return .url(Channel.defaultRemote)
    }

    private static func read(_ text: String) throws(RemoteCatalog.Unavailable) -> RouterReference {
        if text.lowercased() == "auto" { return .auto }
        let scheme = ["http://", "https://"].first { text.lowercased().hasPrefix($0) }
        if let scheme, text.utf8.count > scheme.utf8.count, !text.contains(where: \.isWhitespace) { return .url(text) }
        if scheme == nil, let url = urlOfHost(text) {
            throw RemoteCatalog.Unavailable("\"\(text)\" is a host and no name of a router", fix: "write \(url)")
        }
        guard ClusterIdentity.isName(text) else {
            throw RemoteCatalog.Unavailable(
                "\"\(text)\" is not the URL of a router, and no name that one can have",
                fix: "write it like http://10.0.0.5:10101, or auto to look for routers on the local network")
        }
        return .name(text)
    }

    /// For what can only be a host: with a port, or an address. A bare host name may be a router's name as well.
    private static func urlOfHost(_ text: String) -> String? {
        if text.utf8.filter({ $0 == UInt8(ascii: ":") }).count > 1, !text.hasPrefix("["),
            text.utf8.allSatisfy({ ":.".utf8.contains($0) || Character(UnicodeScalar($0)).isHexDigit })
        {
            return "http://[\(text)]:\(PinnedRouter.clusterPort)"
        }
        guard let (host, port) = HostPort.split(text) else { return nil }
        let isNumeric = host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
        let isAddress = host.contains(":") || (isNumeric && host.utf8.filter { $0 == 0x2E }.count == 3)
        guard port != nil || isAddress else { return nil }
        return "http://\(Endpoint(host: host, port: port ?? PinnedRouter.clusterPort).authority)"
    }

    private static func trimmed(_ text: String) -> String {
        var text = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }
}
