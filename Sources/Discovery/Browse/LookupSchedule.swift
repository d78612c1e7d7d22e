/// Which names are looked up at the moment: few of many, fairly in turn.
///
/// Anyone on the network can announce any number of names. Those that answer are watched as long as there is room; those
/// that do not are tried again ever more seldom.
package struct LookupSchedule: Sendable {
    package struct Limits: Sendable {
        /// Names whose first answer is awaited, at once.
        package var lookups = 64
        /// Names with open queries at once. At four queries a name, within the 1,024 objects that avahi-daemon gives to one
        /// client (`objects-per-client-max`).
        package var active = 192
        /// A name that has not answered by then rests. Multicast DNS answers in less than a second.
        package var patience = Duration.seconds(5)
        /// The first rest; each further one is twice as long.
        package var rest = Duration.seconds(5)
        package var longestRest = Duration.seconds(300)
        /// A name watched as long as that makes way for one that waits.
        package var shortestWatch = Duration.seconds(10)

        package init() {}
    }

    private enum State: Equatable {
        case waiting
        case looking(since: Duration)
        case watched(since: Duration)
        case resting(until: Duration)
    }

    private struct Item {
        var state = State.waiting
        /// When it began to wait; new names before those that had their turn.
        var turn: Int
        var failures = 0
        /// It has answered or failed to.
        var hasHadTurn = false
    }

    package let limits: Limits
    private var items: [String: Item] = [:]
    private var turn = 0
    /// Far behind any new name's turn.
    private static let later = 1 << 40

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Names with open queries.
    package var active: some Sequence<String> { items.lazy.filter { Self.isActive($0.value.state) }.map(\.key) }

    package func isActive(_ name: String) -> Bool { items[name].map { Self.isActive($0.state) } ?? false }

    /// Whether every name has had its first lookup.
    package var isSettled: Bool {
        items.values.allSatisfy(\.hasHadTurn)
    }

    /// A name that has been asked for and never answered: it may make way for a new one.
    package var hopeless: String? { items.first { $0.value.failures > 0 && !Self.isActive($0.value.state) }?.key }

    package mutating func add(_ name: String) {
        guard items[name] == nil else { return }
        turn += 1
        items[name] = Item(turn: turn)
    }

    package mutating func remove(_ name: String) { items[name] = nil }

    package mutating func removeAll() { items = [:] }

    /// The name has answered in full.
    package mutating func answered(_ name: String, at now: Duration) {
        guard case .looking = items[name]?.state else { return }
        items[name]?.state = .watched(since: now)
        items[name]?.failures = 0
        items[name]?.hasHadTurn = true
    }

    /// Its queries could not be made, or ended.
    package mutating func failed(_ name: String, at now: Duration) {
        guard var item = items[name], Self.isActive(item.state) else { return }
        item.failures += 1
        item.hasHadTurn = true
        let factor = 1 << min(item.failures - 1, 16)
        item.state = .resting(until: now + min(limits.rest * factor, limits.longestRest))
        items[name] = item
    }

    /// - Returns: whether ``active`` has changed.
    package mutating func tick(at now: Duration) -> Bool {
        var changed = false
        for (name, item) in items {
            switch item.state {
            case .looking(let since) where now >= since + limits.patience:
                failed(name, at: now)
                changed = true
            case .resting(let until) where now >= until:
                wait(name)
            default:
                break
            }
        }
        var looking = items.values.count { if case .looking = $0.state { true } else { false } }
        var active = items.values.count { Self.isActive($0.state) }
        let waiting = items.filter { $0.value.state == .waiting }.sorted { $0.value.turn < $1.value.turn }.map(\.key)
        var oldest = waiting.isEmpty || active < limits.active ? [] : dispensable(at: now)
        for name in waiting where looking < limits.lookups {
            if active >= limits.active {
                guard let parked = oldest.popLast() else { break }
                wait(parked)
                active -= 1
            }
            items[name]?.state = .looking(since: now)
            looking += 1
            active += 1
            changed = true
        }
        return changed
    }

    /// When ``tick(at:)`` has something to do next.
    package var nextDeadline: Duration? {
        let isFull = items.values.count { Self.isActive($0.state) } >= limits.active
        let isWaiting = items.values.contains { $0.state == .waiting }
        return items.values.compactMap { item -> Duration? in
            switch item.state {
            case .looking(let since): since + limits.patience
            case .resting(let until): until
            case .watched(let since): isFull && isWaiting ? since + limits.shortestWatch : nil
            case .waiting: nil
            }
        }.min()
    }

    private mutating func wait(_ name: String) {
        turn += 1
        items[name]?.state = .waiting
        items[name]?.turn = Self.later + turn
    }

    /// Watched long enough, the longest last.
    private func dispensable(at now: Duration) -> [String] {
        items.compactMap { name, item -> (name: String, since: Duration)? in
            guard case .watched(let since) = item.state, now >= since + limits.shortestWatch else { return nil }
            return (name, since)
        }.sorted { $0.since > $1.since }.map(\.name)
    }

    private static func isActive(_ state: State) -> Bool {
        switch state {
        case .looking, .watched: true
        case .waiting, .resting: false
        }
    }
}
