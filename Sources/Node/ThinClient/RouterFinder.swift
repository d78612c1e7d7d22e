package import Cluster

/// Finds routers by name, and what they serve.
package struct RouterFinder: Sendable {
    /// For the models.ini of a router that has just answered.
    private static let catalogPatience = Duration.seconds(3)

    package let directory: RouterDirectory
    package let probe: Probe
    /// For clusters that have keys.
    package let keys: KeyRing
    package let limits: RouterSearchState.Limits

    package init(
        directory: RouterDirectory, probe: Probe, keys: KeyRing = .empty, limits: RouterSearchState.Limits = .init()
    ) {
        self.directory = directory
        self.probe = probe
        self.keys = keys
        self.limits = limits
    }

    package func search(for wanted: RouterChoice.Wanted) async -> RouterFindings {
        await RouterSearch(directory: directory, probe: probe, keys: keys, limits: limits).run(for: wanted)
    }

    /// Where the router of a project is now.
    package enum Whereabouts: Equatable, Sendable {
        /// Where it was, or another of its cluster is there.
        case asBefore(PinnedRouter.Router)
        /// Elsewhere; the first is to be used, the others stand in for it.
        case elsewhere([RouterCandidate])
        /// Nowhere.
        case away(RouterNotFound)
        /// Nowhere, and at its old address is a router of another cluster, which must not be used.
        case foreign(router: String, cluster: String)
        /// Nowhere, and who answers at its old address cannot show that it is of the pinned cluster, for this reason.
        case impostor(String)
    }

    /// 1. The address of last time, where the pinned cluster still answers and no other router is preferred.
    /// 2. A search: the preferred or the nearest router of that cluster.
    /// 3. The address of last time after all.
    package func whereabouts(of pin: PinnedRouter) async -> Whereabouts {
        if pin.cluster.security == .keys { return await keyedWhereabouts(of: pin) }
        // 1.
        let before = await probe.description(of: pin.url).flatMap { description in
            description.protocolVersion == Advertisement.protocolVersion ? description : nil
        }
        let isOurs = before?.cluster == pin.cluster.id
        let asBefore = before.flatMap { description in
            isOurs ? PinnedRouter.Router(id: description.id, name: description.name) : nil
        }
        if let asBefore, pin.preferred == nil || pin.preferred == asBefore.id { return .asBefore(asBefore) }
        // 2.
        let wanted = RouterChoice.Wanted.cluster(pin.cluster, preferred: pin.preferred)
        let findings = await search(for: wanted)
        let choice = RouterChoice(among: findings.candidates, wanted: wanted, isTerminal: false)
        // The order of round trips is no reason to leave a router that answers; the wish for another one is.
        if case .use(let routers, _) = choice, asBefore == nil || routers.first?.node == pin.preferred {
            return .elsewhere(routers)
        }
        // 3.
        if let asBefore { return .asBefore(asBefore) }
        if let before {
            return .foreign(
                router: before.name.printable(RouterCandidate.nameLimit),
                cluster: before.clusterName.printable(RouterCandidate.nameLimit))
        }
        return .away(
            RouterNotFound(choice, wanted: wanted, findings: findings) ?? RouterNotFound(nothingIn: findings))
    }

    /// The same, by certificates.
    private func keyedWhereabouts(of pin: PinnedRouter) async -> Whereabouts {
        // 1.
        var asBefore: PinnedRouter.Router?
        var refusal: String?
        if let place = SecureURL.place(pin.url) {
            switch await KeyedProbe(keys).look(at: place, nil, timeout: RouterSearch.patience) {
            case .known(let found, let authority, _)
            where found.cluster == pin.cluster.id && authority == pin.authority:
                asBefore = .init(
                    id: found.node, name: found.node == pin.router.id ? pin.router.name : found.node.description)
            case .known: refusal = "it is of another cluster"
            case .unknown(let cluster): refusal = "it is of another cluster, \(cluster)"
            case .refused(let reason): refusal = reason
            case .silent: break
            }
        }
        if let asBefore, pin.preferred == nil || pin.preferred == asBefore.id { return .asBefore(asBefore) }
        // 2.
        let wanted = RouterChoice.Wanted.cluster(pin.cluster, preferred: pin.preferred)
        var findings = await search(for: wanted)
        // An authority of another key is another authority, whatever it calls its cluster.
        findings.candidates.removeAll { $0.isLive && $0.cluster == pin.cluster.id && $0.authority != pin.authority }
        let choice = RouterChoice(among: findings.candidates, wanted: wanted, isTerminal: false)
        if case .use(let routers, _) = choice, asBefore == nil || routers.first?.node == pin.preferred {
            return .elsewhere(routers)
        }
        // 3.
        if let asBefore { return .asBefore(asBefore) }
        if let refusal { return .impostor(refusal) }
        return .away(
            RouterNotFound(choice, wanted: wanted, findings: findings) ?? RouterNotFound(nothingIn: findings))
    }

    /// What a router of a cluster with keys serves.
    ///
    /// - Parameters:
    ///   - node: who must answer there; nil takes any node of the cluster.
    package func catalog(
        at url: String, of cluster: ClusterID, _ node: NodeID?
    ) async throws(RemoteCatalog.Unavailable) -> Catalog {
        let access: ClusterAccess?
        do { access = try keys.access(to: cluster) } catch { throw RemoteCatalog.Unavailable(said: error) }
        guard let access, access.key != nil, let place = SecureURL.place(url) else {
            throw RemoteCatalog.Unavailable(
                "this host has no key for the router at \(url)", fix: "llmstack install --external auto --token TOKEN")
        }
        let reply: Probe.Reply
        do { reply = try await access.get("/models.ini", at: place, node, timeout: Self.catalogPatience) } catch {
            throw RemoteCatalog.Unavailable(
                "the router at \(url) cannot be used: \(error)", fix: "run llmstack start on that host, then try again")
        }
        guard reply.status != 401 else { throw .keyRefused(url) }
        return try RemoteCatalog.read(reply.status, reply.body, from: url)
    }

    /// What the router at a URL serves. Without the proxies of the environment: it is on the local network.
    package func catalog(at url: String) async throws(RemoteCatalog.Unavailable) -> Catalog {
        guard let reply = await probe.reply("\(url)/models.ini", timeout: Self.catalogPatience) else {
            throw RemoteCatalog.Unavailable(
                "the router at \(url) does not answer", fix: "run llmstack start on that host, then try again")
        }
        return try RemoteCatalog.read(reply.status, reply.body, from: url)
    }

    /// The first router that shows what it serves, as a pin.
    ///
    /// - Parameter routers: live ones, in the order in which they are tried.
    /// - Throws: what was wrong with the first, when none does.
    package func pin(
        oneOf routers: [RouterCandidate], preferred: NodeID?
    ) async throws(RemoteCatalog.Unavailable) -> (pin: PinnedRouter, catalog: Catalog) {
        var failure: RemoteCatalog.Unavailable?
        for router in routers {
            guard let url = router.url, let cluster = router.cluster else { continue }
            do {
                let catalog =
                    router.isKeyed
                    ? try await self.catalog(at: url, of: cluster, router.node) : try await self.catalog(at: url)
                let identity = ClusterIdentity(
                    id: cluster, name: router.clusterName, security: router.isKeyed ? .keys : .open)
                let pin = PinnedRouter(
                    cluster: identity, router: .init(id: router.node, name: router.name), url: url,
                    preferred: preferred,
                    authority: router.isKeyed ? (try? keys.access(to: cluster))?.authority : nil)
                return (pin, catalog)
            } catch {
                failure = failure ?? error
            }
        }
        throw failure
            ?? RemoteCatalog.Unavailable("no router can be used", fix: "run llmstack start on its host, then try again")
    }
}
