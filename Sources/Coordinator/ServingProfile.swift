package import Cluster
package import Wire

/// How a router serves: the data in which one host differs from a cluster. Code asks a profile, never which it is.
package struct ServingProfile: Sendable {
    /// What a path means to the router.
    package enum Route: Sendable {
        /// A completion, which knows `model: "auto"`.
        case completion
        /// Any other request that names a tier.
        case inference
        case modelList
        /// models.ini as it is on disk.
        case modelsINI
        /// What this node is: ``NodeRoutes``.
        case node
        case nodeEvents
        case roster
        /// Where a request would go, and why.
        case explain
        case drain
        /// Who is let in: ``AccessRoutes``.
        case access
        case join
        case renew
        /// The files say otherwise now.
        case reloadAccess
    }

    /// What becomes of a path that means nothing to the router.
    package enum Otherwise: Sendable {
        /// It goes to llama-swap as it is.
        case upstream
        case notFound
    }

    package var routes: [(method: String, path: String, route: Route)]
    /// Asked after ``routes``: every path that begins so.
    package var prefixes: [(method: String, prefix: String, route: Route)] = []
    package var otherwise = Otherwise.upstream
    /// Whether only tiers that the node lends may be asked for, and only while it takes work.
    package var servesOnlyShared = false
    /// Whether only those are served who belong to the cluster.
    package var isGuarded = false
    package var limits = RequestLimits()
    /// Seconds that an upstream may take to accept a connection.
    package var connectSeconds = 10
    /// Seconds that requests in hand may take to finish when the router stops.
    package var drainSeconds = 10

    /// One host with its llama-swap: the routes that the document promises.
    package static let singleHost = ServingProfile(routes: documented)

    /// The loopback router of a host that is in a cluster: the same, and what the command line asks about the cluster.
    package static let clusterLoopback = ServingProfile(routes: documented + ofTheCluster, prefixes: inference)

    /// What other hosts may ask: tiers that are lent, and about the node. Everything else of llama-swap's stays on this
    /// host.
    package static let clusterListener = ServingProfile(
        routes: documented + ofTheCluster, prefixes: inference, otherwise: .notFound, servesOnlyShared: true)

    /// The same in a cluster with keys: for those who belong to it.
    package static let keyedListener = ServingProfile(
        routes: documented + ofTheCluster + betweenNodes, prefixes: inference, otherwise: .notFound,
        servesOnlyShared: true, isGuarded: true)

    /// The loopback router in a cluster with keys.
    package static let keyedLoopback = ServingProfile(
        routes: documented + ofTheCluster + [("POST", "/llmstack/v1/access/reload", .reloadAccess)], prefixes: inference
    )

    /// A gateway, which asks its cluster's routers for everything.
    package static let gateway: ServingProfile = {
        var profile = ServingProfile(routes: [])
        // Others are there, and a client waits.
        profile.connectSeconds = 2
        return profile
    }()

    /// By who is let in.
    package static func listener(_ security: ClusterIdentity.Security) -> ServingProfile {
        security == .open ? clusterListener : keyedListener
    }

    package static func loopback(_ security: ClusterIdentity.Security) -> ServingProfile {
        security == .open ? clusterLoopback : keyedLoopback
    }

    private static let documented: [(String, String, Route)] = [
        ("POST", "/v1/chat/completions", .completion),
        ("POST", "/v1/completions", .completion),
        ("GET", "/v1/models", .modelList),
        ("GET", "/models.ini", .modelsINI),
        ("HEAD", "/models.ini", .modelsINI),
    ]

    private static let ofTheCluster: [(String, String, Route)] = [
        ("GET", "/llmstack/v1/node", .node),
        ("GET", "/llmstack/v1/events", .nodeEvents),
        ("GET", "/llmstack/v1/cluster", .roster),
        ("POST", "/llmstack/v1/drain", .drain),
        ("POST", "/llmstack/v1/explain", .explain),
    ]

    private static let betweenNodes: [(String, String, Route)] = [
        ("GET", "/llmstack/v1/access", .access),
        ("POST", "/llmstack/v1/access", .access),
        ("POST", "/llmstack/v1/join", .join),
        ("POST", "/llmstack/v1/renew", .renew),
    ]

    private static let inference: [(String, String, Route)] = [
        ("POST", "/v1/", .inference), ("POST", "/infill", .inference),
    ]

    func route(_ head: RequestHead) -> Route? {
        let path = head.path
        return routes.first { $0.path == path && $0.method == head.method }?.route
            ?? prefixes.first { path.hasPrefix($0.prefix) && $0.method == head.method }?.route
    }
}
