/// Decides how this host's service gets, stays and changes in a directory that comes and goes.
///
/// Times are those of one clock that does not go back.
package struct Publication: Sendable {
    package enum Event: Equatable, Sendable {
        /// What to advertise from now on; nil: nothing.
        case wanted(AdvertisedService?)
        /// The directory takes entries.
        case ready
        /// The directory answers, but the host's own name is being settled: what was entered must go until then.
        case notReady
        /// The directory is gone, with all that was entered.
        case disconnected
        /// What was published is on the network.
        case established
        /// Another service has the name, so that ours is not on the network.
        case collided
        /// The directory has given it another name by itself.
        case renamed(String)
        /// It was refused.
        case failed
    }

    package enum Action: Equatable, Sendable {
        /// Takes the service and its subtypes from the network.
        case withdraw
        /// Enters the service, without its subtypes.
        case publish(AdvertisedService)
        /// Replaces the text of what is published.
        case updateText(AdvertisedService)
        case addSubtype(String, AdvertisedService)
        case removeSubtype(String, AdvertisedService)
        case registered(name: String)
    }

    /// The first pause after a failure; each further one is twice as long.
    private static let pause = Duration.milliseconds(500)
    private static let longestPause = Duration.seconds(30)
    /// Names tried in a row before pausing: RFC 6762, section 8.1, asks for it after fifteen conflicts in ten seconds.
    private static let collisionsInARow = 10

    private var wanted: AdvertisedService?
    /// The name after collisions; kept as long as the same name is wanted.
    private var name: String?
    private var isReady = false
    private var published: AdvertisedService?
    private var isEstablished = false
    private var failures = 0
    private var collisions = 0
    private var retryAt: Duration?

    package init() {}

    /// When ``tick(at:)`` has something to do next.
    package var nextDeadline: Duration? { isReady && wanted != nil ? retryAt : nil }

    package mutating func apply(_ event: Event, at now: Duration) -> [Action] {
        switch event {
        case .wanted(let service):
            if service?.name != wanted?.name || service?.type != wanted?.type { name = nil }
            if service != wanted { retryAt = nil }
            wanted = service
        case .ready:
            isReady = true
            retryAt = nil
        case .notReady:
            isReady = false
            return withdraw()
        case .disconnected:
            isReady = false
            published = nil
            isEstablished = false
            return []
        case .established:
            guard let published, !isEstablished else { return [] }
            isEstablished = true
            failures = 0
            collisions = 0
            return [.registered(name: published.name)]
        case .collided:
            guard let published else { return [] }
            name = ServiceName.alternative(to: published.name)
            collisions += 1
            if collisions > Self.collisionsInARow { retryAt = now + .seconds(1) }
            return withdraw() + reconcile(at: now)
        case .renamed(let other):
            guard published != nil, published?.name != other else { return [] }
            name = other
            published?.name = other
            isEstablished = true
            return [.registered(name: other)]
        case .failed:
            guard published != nil else { return [] }
            retryAt = now + min(Self.pause * (1 << min(failures, 16)), Self.longestPause)
            failures += 1
            return withdraw()
        }
        return reconcile(at: now)
    }

    package mutating func tick(at now: Duration) -> [Action] { reconcile(at: now) }

    private mutating func withdraw() -> [Action] {
        defer {
            published = nil
            isEstablished = false
        }
        return published == nil ? [] : [.withdraw]
    }

    /// The steps from what is published to what is wanted.
    private mutating func reconcile(at now: Duration) -> [Action] {
        guard isReady else { return [] }
        guard var target = wanted else { return withdraw() }
        if let retryAt, retryAt > now { return [] }
        retryAt = nil
        target.name = name ?? ServiceName.fitting(target.name)
        guard let current = published, current.name == target.name, current.type == target.type,
            current.port == target.port
        else {
            let actions = withdraw() + [.publish(target)] + target.subtypes.map { .addSubtype($0, target) }
            published = target
            return actions
        }
        published = target
        var actions: [Action] = current.text == target.text ? [] : [.updateText(target)]
        actions += current.subtypes.filter { !target.subtypes.contains($0) }.map { .removeSubtype($0, target) }
        actions += target.subtypes.filter { !current.subtypes.contains($0) }.map { .addSubtype($0, target) }
        return actions
    }
}
