package import Cluster
import Wire

/// The URL of a router of a cluster with keys: `https://HOST[:PORT]`, and nothing behind it.
package enum SecureURL {
    /// Of https (RFC 9110, section 4.2.2).
    private static let standardPort = 443
    private static let scheme = "https://"

    /// - Returns: nil for any other URL.
    package static func place(_ url: String) -> Place? {
        guard url.lowercased().hasPrefix(scheme), let (host, port) = HostPort.split(url.dropFirst(scheme.utf8.count))
        else { return nil }
        return Place(host: host, port: port ?? standardPort)
    }

    package static func text(_ place: Place) -> String {
        scheme + Endpoint(host: place.host, port: place.port).authority
    }
}
