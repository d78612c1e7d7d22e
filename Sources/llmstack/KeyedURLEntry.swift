import Cluster
import Foundation
import Node
import Trust
import Wire

extension RouterChooser {
    /// A router of a cluster with keys that was named by its URL.
    ///
    /// - Returns: nil where there is no such router: the URL is somebody else's.
    /// - Throws: as ``choose(_:)``.
    func enter(_ url: String) async throws -> Found? {
        guard let place = SecureURL.place(url) else { return nil }
        let url = SecureURL.text(place)
        var router: PeerIdentity
        switch await KeyedProbe(keys).look(at: place, nil, timeout: .seconds(3)) {
        case .silent where keys.token != nil:
            throw StackFailure(
                "no router answers at \(url)",
                advice: "fix: run llmstack start on that host, and see that it is reached")
        case .silent: return nil
        case .refused(let reason):
            guard keys.token != nil else { return nil }
            throw StackFailure(
                "the router at \(url) is not to be trusted with the token: \(reason)",
                advice: "fix: name a router of the token's cluster")
        case .unknown(let cluster):
            if keys.token != nil {
                throw StackFailure(
                    "the router at \(url) is not of the cluster that the token is for",
                    advice: "fix: name a router of the token's cluster")
            }
            _ = try await entry.enter(try entry.token(for: nil, at: url), at: [place], wanted: cluster)
            guard case .known(let found, _, _) = await KeyedProbe(keys).look(at: place, nil, timeout: .seconds(3))
            else { return nil }
            router = found
        case .known(let found, let authority, let key):
            router = found
            if key != true {
                let token = try entry.token(for: nil, at: url, hadKey: key == false)
                guard token.pin.text == authority else {
                    throw StackFailure(
                        "the router at \(url) is not of the cluster that the token is for",
                        advice: "fix: name a router of the token's cluster")
                }
                // Others of the cluster, where the one that was named is no issuer.
                do { _ = try await entry.enter(token, at: [place]) } catch let failure as StackFailure {
                    let others = await finder.search(for: .authority(authority)).candidates
                        .filter { $0.authority == authority }.compactMap { $0.url.flatMap(SecureURL.place) }
                        .filter { $0 != place }
                    if others.isEmpty { throw failure }
                    _ = try await entry.enter(token, at: others)
                }
            } else if keys.token != nil {
                say("this host has a key of that cluster: the token is not needed")
            }
        }
        return try await found(router, at: place, url)
    }

    /// What the router says of its cluster and itself.
    private func found(_ router: PeerIdentity, at place: Place, _ url: String) async throws -> Found {
        guard let access = try keys.access(to: router.cluster) else {
            throw RemoteCatalog.Unavailable("this host has no key for \(url)", fix: "try again, with a new token")
        }
        let catalog = try await finder.catalog(at: url, of: router.cluster, router.node)
        struct Listing: Decodable {
            struct Node: Decodable {
                var id: NodeID
                var name: String
            }
            var cluster: ClusterIdentity
            var nodes: [Node]
        }
        let reply = try? await access.get("/llmstack/v1/cluster", at: place, router.node, timeout: .seconds(3))
        let listing = reply.flatMap { try? JSONDecoder().decode(Listing.self, from: Data($0.body)) }
        let name = listing.map(\.cluster.name).flatMap { ClusterIdentity.isName($0) ? $0 : nil }
        let own = listing?.nodes.first { $0.id == router.node }?.name
        let pin = PinnedRouter(
            cluster: .init(id: router.cluster, name: name ?? router.cluster.description, security: .keys),
            router: .init(
                id: router.node,
                name: own.flatMap { ClusterIdentity.isName($0) ? $0 : nil } ?? router.node.description),
            url: url, authority: access.authority)
        say("using router \(pin.router.name) of the cluster \(pin.cluster.name): \(url)")
        return (pin, catalog)
    }
}
