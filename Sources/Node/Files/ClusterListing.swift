package import Cluster

/// What opencode is told of a cluster: the models.ini that this host's own router shows while it is in a cluster: the project's, then what others lend.
package enum ClusterListing: Equatable, Sendable {
    case shown(Catalog)
    /// The router that answers runs for another models.ini.
    case another
    /// No router answers, or it has no models.ini to show.
    case silent

    /// For the whole exchange, which is with this host.
    package static let timeout = Duration.seconds(3)

    /// - Parameters:
    ///   - base: URL of this host's router, without a slash at its end.
    ///   - own: the project's models.ini as it is on disk.
    package static func ask(_ base: String, own: String, probe: Probe) async -> ClusterListing {
        guard let reply = await probe.reply("\(base)/models.ini", timeout: timeout),
            let catalog = try? RemoteCatalog.read(reply.status, reply.body, from: base)
        else { return .silent }
        // A router shows its own file byte for byte, and what others lend below it.
        return reply.body.starts(with: own.utf8) ? .shown(catalog) : .another
    }
}
