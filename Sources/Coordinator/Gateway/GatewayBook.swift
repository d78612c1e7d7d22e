package import Cluster

/// The routers of one cluster as a gateway knows them, and which of them it uses. No I/O: news and the time come in,
/// choices and probes go out. Times are seconds on any one monotonic clock.
///
/// ```
/// unknown ──answers──► up ──misses twice, or refuses──► silent
///                      ▲                                  │
///                      └───────────── answers ────────────┘
/// ```
package struct GatewayBook: Equatable, Sendable {
    package struct Limits: Equatable, Sendable {
        /// Seconds between two probes of the router in use, and of all while none is.
        package var inUse = 2.0
        /// Of the others.
        package var others = 10.0
        /// Probes in a row without an answer after which a router counts as silent.
        package var misses = 2
        /// A request has the router that it goes to probed, unless that was done so lately.
        package var fresh = 0.5

        package init() {}
    }

    /// More are no team, but a flood.
    package static let capacity = 64
    /// Places of one router; the newest count.
    package static let placeLimit = 8

    /// To be sent now, to all these places: the first that answers counts.
    package struct Probe: Equatable, Sendable {
        package let node: NodeID
        package let places: [Place]
        let number: Int
    }

    /// What came of a probe.
    package enum Outcome: Equatable, Sendable {
        /// - `roundTrip`: seconds.
        /// - `key`: whether this host's key is taken.
        case answered(Place, roundTrip: Double, key: Bool)
        /// The time was over.
        case missed
        /// Nobody listens there, or nobody who could show that it is this router.
        case failed
    }

    package struct Choice: Equatable, Sendable {
        package let node: NodeID
        package let name: String
        package let place: Place
    }

    /// A router that has answered, for the next gateway.
    package struct Memory: Equatable, Sendable, Codable {
        package var node: NodeID
        package var name: String
        /// The best first.
        package var places: [Place]

        package init(node: NodeID, name: String, places: [Place]) {
            self.node = node
            self.name = name
            self.places = places
        }
    }

    private struct Router: Equatable, Sendable {
        enum Health { case unknown, up, silent }

        let id: NodeID
        var name: String
        var places: [Place]
        var health = Health.unknown
        /// Where it answered last.
        var place: Place?
        var roundTrip: Double?
        var takesKey = true
        var misses = 0
        /// When it is to be probed next, and when that was begun last.
        var due: Double
        var began = -Double.infinity
        /// The number of the probe that is out.
        var probe: Int?
    }

    private let limits: Limits
    private let preferred: NodeID?
    private var routers: [Router] = []
    private var current: NodeID?
    private var probes = 0

    /// - Parameter preferred: used whenever it answers.
    package init(preferred: NodeID? = nil, limits: Limits = .init()) {
        self.preferred = preferred
        self.limits = limits
    }

    // MARK: News

    /// A router is announced, or remembered. What it says counts for nothing until it has answered.
    package mutating func sighted(_ node: NodeID, name: String, _ places: [Place], at now: Double) {
        guard let index = index(node) else {
            if routers.count >= Self.capacity {
                // Who has never answered makes room.
                guard let oldest = routers.firstIndex(where: { $0.place == nil }) else { return }
                routers.remove(at: oldest)
            }
            routers.append(Router(id: node, name: name, places: Array(places.prefix(Self.placeLimit)), due: now))
            return
        }
        routers[index].name = name
        let known = routers[index].places
        guard !places.allSatisfy(known.contains) else { return }
        let all = places + known.filter { !places.contains($0) }
        routers[index].places = Array(all.prefix(Self.placeLimit))
        // Where it is now, the probe under way does not ask.
        routers[index].probe = nil
        routers[index].due = now
    }

    /// It has said goodbye, or somebody in its name: asked at once.
    package mutating func lost(_ node: NodeID, at now: Double) {
        if let index = index(node) { routers[index].due = now }
    }

    /// A request to it got no reply.
    ///
    /// - Parameter isUnreachable: not even a connection.
    package mutating func failed(_ node: NodeID, isUnreachable: Bool, at now: Double) {
        guard let index = index(node) else { return }
        if isUnreachable { routers[index].health = .silent }
        if routers[index].probe == nil { routers[index].due = now }
        settle()
    }

    /// A request to it waits for its first word: asked soon whether it is still there.
    package mutating func suspected(_ node: NodeID, at now: Double) {
        guard let index = index(node), routers[index].probe == nil, now - routers[index].began > limits.fresh else {
            return
        }
        routers[index].due = min(routers[index].due, now)
    }

    /// Somebody waits for a router, and there is none: all are asked again now.
    package mutating func wanted(at now: Double) {
        for index in routers.indices where routers[index].probe == nil && now - routers[index].began > limits.fresh {
            routers[index].due = min(routers[index].due, now)
        }
    }

    /// The key is another one now.
    package mutating func keyChanged(at now: Double) {
        for index in routers.indices {
            routers[index].probe = nil
            routers[index].due = now
        }
    }

    // MARK: Probes

    /// Those that are to be sent now; each is to be ended.
    package mutating func due(at now: Double) -> [Probe] {
        var due: [Probe] = []
        for index in routers.indices where routers[index].probe == nil && routers[index].due <= now {
            probes += 1
            routers[index].probe = probes
            routers[index].began = now
            due.append(Probe(node: routers[index].id, places: routers[index].places, number: probes))
        }
        return due
    }

    /// When ``due(at:)`` is to be asked again at the latest; nil while nothing waits for the time.
    package var nextDeadline: Double? { routers.filter { $0.probe == nil }.map(\.due).min() }

    package mutating func ended(_ probe: Probe, _ outcome: Outcome, at now: Double) {
        guard let index = index(probe.node), routers[index].probe == probe.number else { return }
        routers[index].probe = nil
        var isSuspect = false
        switch outcome {
        case .answered(let place, let roundTrip, let key):
            routers[index].health = .up
            routers[index].misses = 0
            routers[index].place = place
            routers[index].takesKey = key
            // Smoothed: a single slow answer is no reason to go elsewhere.
            routers[index].roundTrip = routers[index].roundTrip.map { $0 * 0.7 + roundTrip * 0.3 } ?? roundTrip
        case .failed:
            routers[index].health = .silent
        case .missed:
            routers[index].misses += 1
            isSuspect = routers[index].health == .up && routers[index].misses < limits.misses
            if !isSuspect { routers[index].health = .silent }
        }
        settle()
        let isClose = current == nil || current == probe.node
        routers[index].due = isSuspect ? now : max(now, routers[index].began + (isClose ? limits.inUse : limits.others))
    }

    // MARK: Choices

    /// 1. One that takes this host's key.
    /// 2. The one that was asked for by name.
    /// 3. The one in use.
    /// 4. The nearest, to a millisecond; then by name, so that the choice is the same each time.
    private func best(except tried: [NodeID] = []) -> Router? {
        func rank(_ router: Router) -> (Int, Int, Int, Int, String) {
            (
                router.takesKey ? 0 : 1, router.id == preferred ? 0 : 1, router.id == current ? 0 : 1,
                Int((router.roundTrip ?? 0) * 1000), router.name
            )
        }
        return routers.filter { $0.health == .up && !tried.contains($0.id) }.min { rank($0) < rank($1) }
    }

    private mutating func settle() { current = best()?.id }

    /// Where a request goes.
    ///
    /// - Parameter tried: where it was already.
    /// - Returns: nil where no other router answers.
    package mutating func choose(except tried: [NodeID] = [], at now: Double) -> Choice? {
        settle()
        guard let router = best(except: tried), let place = router.place, let index = index(router.id) else {
            return nil
        }
        // A request that goes to a host which has just died should not have to wait for the next probe's turn.
        if router.probe == nil, now - router.began > limits.fresh { routers[index].due = now }
        return Choice(node: router.id, name: router.name, place: place)
    }

    /// The router in use.
    package var inUse: Choice? {
        guard let router = routers.first(where: { $0.id == current }), let place = router.place else { return nil }
        return Choice(node: router.id, name: router.name, place: place)
    }

    /// Whether a router is known to answer no more.
    package func isGone(_ node: NodeID) -> Bool { index(node).map { routers[$0].health == .silent } ?? true }

    /// Whether this host's key was revoked, as far as those say who answer.
    package var keyIsRefused: Bool {
        let up = routers.filter { $0.health == .up }
        return !up.isEmpty && !up.contains(where: \.takesKey)
    }

    private func index(_ node: NodeID) -> Int? { routers.firstIndex { $0.id == node } }

    // MARK: Telling

    /// Those that have answered once, the one in use first.
    package var memory: [Memory] {
        let known = routers.filter { $0.place != nil }
        return (known.filter { $0.id == current } + known.filter { $0.id != current }).map { router in
            let best = router.place.map { [$0] } ?? []
            return Memory(
                node: router.id, name: router.name, places: best + router.places.filter { $0 != router.place })
        }
    }

    /// One for each, in the order in which they came.
    func listing<Line>(
        _ line: (_ id: NodeID, _ name: String, _ isUp: Bool?, _ place: Place?, _ roundTrip: Double?, _ inUse: Bool) ->
            Line
    ) -> [Line] {
        routers.map {
            line(
                $0.id, $0.name, $0.health == .unknown ? nil : $0.health == .up, $0.place, $0.roundTrip, $0.id == current
            )
        }
    }
}
