/// What is known of the services of one type: sightings and records in, queries and events out.
///
/// Knows nothing of Avahi or Bonjour. Inputs only note what was said; ``tick(at:)`` decides. Times are those of one clock
/// that does not go back.
package struct ServiceView: Sendable {
    package struct Limits: Sendable {
        /// Names held. A network of one team has tens.
        package var names = 1024
        /// A change is told once it has been still for this long: one announcement comes as several records.
        package var settle = Duration.milliseconds(20)
        /// After the directory came back, a service not seen again by then is lost.
        package var grace = Duration.seconds(3)
        /// Between two fresh starts of browsing, which names that were refused for want of room get.
        package var betweenBrowses = Duration.seconds(60)
        package var schedule = LookupSchedule.Limits()

        package init() {}
    }

    package enum Action: Equatable, Sendable {
        case start(RecordQuery)
        case stop(RecordQuery)
        case event(DirectoryEvent)
        /// End browsing and begin anew; queries stay.
        case browseAgain
        case warn(Warning)
    }

    /// Each is said once.
    package enum Warning: Hashable, Sendable {
        /// More names than ``Limits/names``.
        case tooMany
        /// Names or records that no service of ours would have.
        case malformed

        package var sentence: String {
            switch self {
            case .tooMany: "more services are announced on this network than are kept; those that answer are preferred"
            case .malformed: "malformed records are announced on this network; they are left out"
            }
        }
    }

    /// What was not taken in.
    package struct Counts: Equatable, Sendable {
        package var refused = 0
        package var malformed = 0
    }

    private struct Instance {
        var name: String
        var links: Set<Link> = []
        /// The last link has taken it back; without that, no links mean that it has not been seen again yet.
        var isWithdrawn = false
        var services = Answers<Service>()
        var texts = Answers<[String]>()
        var shown: [String: FoundService] = [:]
    }

    private struct Service: Equatable, Sendable {
        var host: String
        var port: Int
    }

    private struct Host {
        var users: Set<String> = []
        var addresses = Answers<IPAddress>()
    }

    package let limits: Limits
    /// This host's interfaces; a change of them sorts anew what was found.
    package var order: AddressOrder {
        didSet { if order != oldValue { isReordered = true } }
    }
    package private(set) var counts = Counts()

    private var instances: [String: Instance] = [:]
    private var hosts: [String: Host] = [:]
    private var schedule: LookupSchedule
    private var running: Set<RecordQuery> = []
    private var isReordered = false
    private var areQueriesDue = false
    private var dirty: [String: Duration] = [:]
    private var due: Duration?
    private var warnings: Set<Warning> = []
    private var pendingWarnings: [Warning] = []
    private var sweepAt: Duration?
    /// The directory has said that there is no more for now; told when the lookups are through, at this time at the latest.
    private var allForNowBy: Duration?
    /// The directory names each service once: one that was refused is seen again only by browsing anew.
    private var browseAgainAt: Duration?

    package init(limits: Limits = Limits(), interfaces: [HostInterface] = []) {
        self.limits = limits
        order = AddressOrder(interfaces)
        schedule = LookupSchedule(limits.schedule)
    }

    /// Names held.
    package var count: Int { instances.count }

    // MARK: What the directory says

    package mutating func appeared(_ name: String, type: String, domain: String, on link: Link, at now: Duration) {
        guard !name.isEmpty, name.utf8.count <= ServiceName.longest else { return malformed(at: now) }
        let full = ServiceName.full(name, type: type, domain: domain)
        if instances[full] == nil {
            guard makeRoom(at: now) else { return }
            instances[full] = Instance(name: name)
        }
        instances[full]?.links.insert(link)
        instances[full]?.isWithdrawn = false
        schedule.add(full)
        wake(at: now)
    }

    package mutating func disappeared(_ name: String, type: String, domain: String, on link: Link, at now: Duration) {
        let full = ServiceName.full(name, type: type, domain: domain)
        guard instances[full]?.links.remove(link) != nil, instances[full]?.links.isEmpty ?? false else { return }
        instances[full]?.isWithdrawn = true
        dirty[full] = now
        wake(at: now)
    }

    /// - Parameter isPresent: false when the record has gone.
    package mutating func answered(
        _ query: RecordQuery, _ bytes: [UInt8], isPresent: Bool, on link: Link, at now: Duration
    ) {
        guard running.contains(query) else { return }
        guard let data = RecordData(query.kind, bytes) else {
            if isPresent { malformed(at: now) }
            return
        }
        switch data {
        case .service(let host, let port):
            let service = Service(host: host, port: port)
            instances[query.name]?.services.update(service, isPresent: isPresent, on: link)
            areQueriesDue = true
            wake(at: now)
            changed(query.name, at: now)
        case .text(let entries):
            instances[query.name]?.texts.update(entries, isPresent: isPresent, on: link)
            changed(query.name, at: now)
        case .address(let address):
            hosts[query.name]?.addresses.update(address, isPresent: isPresent, on: link)
            for user in hosts[query.name]?.users ?? [] { changed(user, at: now) }
        }
    }

    /// The query could not be begun, or ended by itself.
    package mutating func failed(_ query: RecordQuery, at now: Duration) {
        guard running.remove(query) != nil else { return }
        for name in hosts[query.name]?.users ?? [query.name] { schedule.failed(name, at: now) }
        areQueriesDue = true
        wake(at: now)
    }

    package mutating func allForNow(at now: Duration) {
        sweepAt = now + limits.grace
        allForNowBy = now + limits.grace
        wake(at: now)
    }

    /// The directory is gone, and every query with it. What was found stays until it has come back.
    package mutating func disconnected(at now: Duration) {
        running = []
        hosts = [:]
        dirty = [:]
        schedule.removeAll()
        sweepAt = nil
        allForNowBy = nil
        browseAgainAt = nil
        for full in instances.keys {
            instances[full]?.links = []
            instances[full]?.services = Answers()
            instances[full]?.texts = Answers()
            if instances[full]?.shown.isEmpty ?? true { instances[full] = nil }
        }
    }

    // MARK: What to do

    /// When ``tick(at:)`` has something to do next; nil: not before the next input.
    package var nextDeadline: Duration? {
        let times = [due, sweepAt, allForNowBy, browseAgainAt, dirty.values.min(), schedule.nextDeadline]
        return times.compactMap { $0 }.min()
    }

    package mutating func tick(at now: Duration) -> [Action] {
        due = nil
        var actions = pendingWarnings.map(Action.warn)
        pendingWarnings = []
        if isReordered {
            isReordered = false
            for (full, instance) in instances where !instance.shown.isEmpty { dirty[full] = now }
        }
        for (full, at) in dirty where at <= now {
            dirty[full] = nil
            actions += show(full, at: now)
        }
        if let sweepAt, sweepAt <= now {
            self.sweepAt = nil
            for (full, instance) in instances where instance.links.isEmpty { actions += forget(full) }
        }
        if schedule.tick(at: now) || areQueriesDue { actions += reconcileQueries() }
        if let by = allForNowBy, by <= now || schedule.isSettled && dirty.isEmpty {
            allForNowBy = nil
            actions.append(.event(.allForNow))
        }
        if let browseAgainAt, browseAgainAt <= now {
            self.browseAgainAt = nil
            for full in instances.keys { instances[full]?.links = [] }
            actions.append(.browseAgain)
        }
        return actions
    }

    // MARK: Inside

    /// Whether there is room for one more name, if need be that of one which never answered.
    private mutating func makeRoom(at now: Duration) -> Bool {
        if instances.count < limits.names { return true }
        counts.refused += 1
        if browseAgainAt == nil { browseAgainAt = now + limits.betweenBrowses }
        warn(.tooMany, at: now)
        guard let hopeless = schedule.hopeless, instances[hopeless]?.shown.isEmpty ?? false else { return false }
        _ = forget(hopeless)
        return true
    }

    private mutating func changed(_ full: String, at now: Duration) {
        if dirty[full] == nil { dirty[full] = now + limits.settle }
    }

    private mutating func malformed(at now: Duration) {
        counts.malformed += 1
        warn(.malformed, at: now)
    }

    private mutating func warn(_ warning: Warning, at now: Duration) {
        guard warnings.insert(warning).inserted else { return }
        pendingWarnings.append(warning)
        wake(at: now)
    }

    private mutating func wake(at now: Duration) { due = min(due ?? now, now) }

    /// Tells what changed of one instance, and forgets one that nobody announces.
    private mutating func show(_ full: String, at now: Duration) -> [Action] {
        guard let instance = instances[full] else { return [] }
        if instance.isWithdrawn { return forget(full) }
        let found = services(of: instance)
        guard !found.isEmpty else { return [] }
        schedule.answered(full, at: now)
        var actions: [Action] = []
        for service in found where instance.shown[service.host] != service {
            actions.append(.event(.found(service)))
        }
        let here = Set(instance.services.newest.map(\.value.host))
        var shown = instance.shown.filter { here.contains($0.key) }
        for gone in instance.shown.values where !here.contains(gone.host) { actions.append(.event(.lost(gone.id))) }
        for service in found { shown[service.host] = service }
        instances[full]?.shown = shown
        return actions
    }

    private mutating func forget(_ full: String) -> [Action] {
        schedule.remove(full)
        dirty[full] = nil
        areQueriesDue = true
        return instances.removeValue(forKey: full)?.shown.values.map { .event(.lost($0.id)) } ?? []
    }

    /// One for each host that has the name, where everything is known that it takes to reach it.
    private func services(of instance: Instance) -> [FoundService] {
        let services = instance.services.newest
        let texts = instance.texts.newest
        var found: [FoundService] = []
        for host in Set(services.map(\.value.host)) {
            let own = services.filter { $0.value.host == host }
            let links = Set(own.map(\.link))
            let text =
                texts.last { links.contains($0.link) }
                ?? (links.count == services.count ? texts.last : nil)
            let sightings = (hosts[host]?.addresses.all ?? []).map { (address: $0.value, interface: $0.link.interface) }
            let addresses = order.sorted(sightings)
            guard let port = own.last?.value.port, let text, !addresses.isEmpty else { continue }
            found.append(
                FoundService(
                    id: FoundService.ID(name: instance.name, host: host), port: port, text: text.value,
                    addresses: addresses))
        }
        return found
    }

    private mutating func reconcileQueries() -> [Action] {
        areQueriesDue = false
        var wanted: Set<RecordQuery> = []
        var users: [String: Set<String>] = [:]
        for full in schedule.active {
            wanted.insert(RecordQuery(full, .service))
            wanted.insert(RecordQuery(full, .text))
            for service in instances[full]?.services.newest ?? [] {
                users[service.value.host, default: []].insert(full)
            }
        }
        for host in users.keys {
            wanted.insert(RecordQuery(host, .ipv4))
            wanted.insert(RecordQuery(host, .ipv6))
        }
        hosts = hosts.filter { users[$0.key] != nil }
        for (host, names) in users { hosts[host, default: Host()].users = names }
        let stopped = running.subtracting(wanted)
        // The answers of a query that ends are not kept: they would not be taken back.
        for query in stopped where query.kind == .service { instances[query.name]?.services = Answers() }
        for query in stopped where query.kind == .text { instances[query.name]?.texts = Answers() }
        let started = wanted.subtracting(running)
        running = wanted
        return stopped.map(Action.stop) + started.map(Action.start)
    }
}
