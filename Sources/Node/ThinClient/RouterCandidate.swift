package import Cluster

/// A router on the local network, and what came of asking it.
package struct RouterCandidate: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// It answered at `url`; `roundTrip` is that of a whole exchange, with its connection.
        case live(url: String, roundTrip: Duration, isOnLink: Bool)
        /// Announced, but no address of it answers as this node.
        case silent
        /// A newer kind of node, which is never used.
        case incompatible(version: String)
        /// Whoever answers there cannot show that it is this router.
        case impostor(place: String, reason: String)
    }

    /// What it takes to use it.
    package enum Lock: Equatable, Sendable {
        /// Nothing: an open cluster.
        case open
        /// A key, which this host has not.
        case keyNeeded
        case keyHeld
        /// This host has a key, which is not taken any more.
        case keyRefused
    }

    /// nil where a node of another kind does not say.
    package var cluster: ClusterID?
    package var clusterName: String
    package var node: NodeID
    /// What people call it.
    package var name: String
    /// Its host's name on the network, such as `studio.local`.
    package var host: String
    /// What it lends, as far as it can serve it now.
    package var tiers: [String]
    /// Whether it takes new work.
    package var isAccepting: Bool
    /// Why not, for people.
    package var reason: String?
    package var state: State
    package var lock: Lock
    /// The pin of the authority by which it has shown who it is, as text; nil where it has not.
    package var authority: String?

    package init(
        cluster: ClusterID?, clusterName: String, node: NodeID, name: String, host: String, tiers: [String],
        isAccepting: Bool = true, reason: String? = nil, state: State, lock: Lock = .open
    ) {
        self.cluster = cluster
        self.clusterName = clusterName
        self.node = node
        self.name = name
        self.host = host
        self.tiers = tiers
        self.isAccepting = isAccepting
        self.reason = reason
        self.state = state
        self.lock = lock
    }

    /// What a sighting says by itself; nil where it is no router of ours.
    package init?(announced sighting: RouterSighting) {
        let name = sighting.id.name.printable(Self.nameLimit)
        let host = sighting.id.host.printable(Self.nameLimit)
        switch Advertisement.read(sighting.txt) {
        case .malformed:
            return nil
        case .incompatible(let version, let node, let clusterName):
            self.init(
                cluster: nil, clusterName: clusterName, node: node, name: name, host: host, tiers: [],
                state: .incompatible(version: version))
        case .known(let advertisement):
            self.init(
                cluster: advertisement.cluster,
                clusterName: advertisement.clusterName.isEmpty
                    ? advertisement.cluster.description : advertisement.clusterName,
                node: advertisement.node, name: name, host: host, tiers: advertisement.tiers, state: .silent,
                lock: advertisement.security == .open ? .open : .keyNeeded)
        }
    }

    /// Takes over what the node says itself, which counts more than any announcement.
    ///
    /// - Returns: false when another node answered: then nothing has changed.
    package mutating func learn(
        _ description: NodeDescription, url: String, roundTrip: Duration, isOnLink: Bool
    ) -> Bool {
        guard description.id == node else { return false }
        cluster = description.cluster
        clusterName =
            ClusterIdentity.isName(description.clusterName)
            ? description.clusterName : description.cluster.description.printable(Self.nameLimit)
        if ClusterIdentity.isName(description.name) { name = description.name }
        tiers = description.tiers.filter { $0.shared && $0.state.canServe }.map { $0.name.printable(Self.nameLimit) }
        isAccepting = description.policy.accepting
        reason = description.policy.reason?.printable(Self.nameLimit)
        state =
            description.protocolVersion == Advertisement.protocolVersion
            ? .live(url: url, roundTrip: roundTrip, isOnLink: isOnLink)
            : .incompatible(version: "\(description.protocolVersion)")
        return true
    }

    /// Takes over what a handshake has shown.
    package mutating func learn(_ outcome: KeyedProbe.Outcome, at url: String, roundTrip: Duration, isOnLink: Bool) {
        switch outcome {
        case .silent: state = .silent
        case .refused(let reason):
            state = .impostor(place: SecureURL.place(url)?.host ?? url, reason: reason)
        case .unknown:
            lock = .keyNeeded
            state = .live(url: url, roundTrip: roundTrip, isOnLink: isOnLink)
        case .known(_, let authority, let key):
            self.authority = authority
            lock = key.map { $0 ? .keyHeld : .keyRefused } ?? .keyNeeded
            state = .live(url: url, roundTrip: roundTrip, isOnLink: isOnLink)
        }
    }

    package var isLive: Bool { url != nil }

    /// Whether its cluster has keys.
    package var isKeyed: Bool { lock != .open }

    /// Where it answered; nil unless it is live.
    package var url: String? {
        if case .live(let url, _, _) = state { url } else { nil }
    }

    /// The order in which routers of one cluster are to be used. First come those that take work, then those that have
    /// something to lend, then those on a network of this host; then the nearest. Round trips that differ by less than
    /// a millisecond say nothing: the name decides, so that the choice is the same each time.
    package static func isNearer(_ left: RouterCandidate, _ right: RouterCandidate) -> Bool {
        func rank(_ candidate: RouterCandidate) -> (Int, Int, Int, Int, String) {
            guard case .live(_, let roundTrip, let isOnLink) = candidate.state else {
                return (1, 1, 1, .max, candidate.name)
            }
            return (
                candidate.isAccepting ? 0 : 1, candidate.tiers.isEmpty ? 1 : 0, isOnLink ? 0 : 1,
                Int(roundTrip / .milliseconds(1)), candidate.name
            )
        }
        return rank(left) < rank(right)
    }

    /// Scalars of a name in a table.
    package static let nameLimit = 64
}
