/// Feeds a record to the machines that it was taken from, and compares what they decide.
///
/// 1. What comes before a machine's first snapshot, or after something is missing, is passed over until the next one.
/// 2. A fleet is told of members as the membership that is replayed has them.
package struct Replay: Sendable {
    /// What a line came to.
    package enum Step: Sendable {
        /// Nothing that is worth telling.
        case quiet
        /// Before the first snapshot.
        case skipped
        case snapshot(Snapshot)
        case missing(Int)
        case judged([Membership.Action])
        case placed(PlacementQuestion, Route)
        /// Whether the tier is out from now on.
        case ended(tier: String, NodeID, Fleet.Outcome, isOut: Bool)
    }

    package enum Snapshot: String, Sendable {
        case membership
        case fleet
    }

    /// A machine decided otherwise than the record says.
    package struct Difference: Error, Equatable, Sendable {
        package var recorded: String
        package var replayed: String
    }

    package private(set) var membership: Membership?
    package private(set) var fleet: Fleet?
    private var own: NodeDescription?
    private var terms: RoutingTerms?
    private var clocks: [Snapshot: Double] = [:]
    /// Lines, the header left aside.
    package private(set) var events = 0
    /// What was compared: health that changed, hosts that were chosen, tiers that are out or not.
    package private(set) var decisions = 0
    /// Lines that could not be replayed, for what they rest on is not in the record.
    package private(set) var skipped = 0
    /// Events that the router had no room for.
    package private(set) var missing = 0

    package init() {}

    /// The time of day of an event, in seconds since 1970; nil before the first snapshot.
    package func time(of event: RecordedEvent) -> Double? {
        let clock: Snapshot =
            switch event.what {
            case .membership, .input: .membership
            default: .fleet
            }
        return clocks[clock].map { $0 + event.at }
    }

    package mutating func take(_ event: RecordedEvent) throws(Difference) -> Step {
        events += 1
        let step = try step(event)
        if case .skipped = step { skipped += 1 }
        return step
    }

    private mutating func step(_ event: RecordedEvent) throws(Difference) -> Step {
        switch event.what {
        case .membership(let snapshot, let time):
            membership = snapshot
            clocks[.membership] = time - event.at
            return .snapshot(.membership)
        case .fleet(let snapshot, let time):
            fleet = snapshot
            clocks[.fleet] = time - event.at
            return .snapshot(.fleet)
        case .missing(let count):
            // 1
            (membership, fleet, own, terms) = (nil, nil, nil, nil)
            missing += count
            return .missing(count)
        case .input(let input, let recorded):
            guard let actions = membership?.take(input, at: event.at) else { return .skipped }
            guard actions == recorded else { throw Self.difference(recorded, actions) }
            let changes = actions.filter { if case .changed = $0 { true } else { false } }
            decisions += changes.count
            return changes.isEmpty ? .quiet : .judged(changes)
        default: return try fleetStep(event)
        }
    }

    private mutating func fleetStep(_ event: RecordedEvent) throws(Difference) -> Step {
        // What an own description and terms are is known without a snapshot.
        switch event.what {
        case .own(let description): own = description
        case .ownChange(let change): own?.apply(change)
        case .terms(let new): terms = new
        default: break
        }
        guard fleet != nil else { return .skipped }
        switch event.what {
        case .own, .ownChange:
            guard let own else { return .skipped }
            fleet?.set(Host(local: own))
        case .told(let id):
            // 2
            guard let membership else { return .skipped }
            if let host = membership.members[id].flatMap({ Host($0) }) {
                fleet?.set(host, at: event.at)
            } else {
                fleet?.remove(id)
            }
        case .match(let match): fleet?.match = match
        case .remember(let host, let tier, let speed, let lessons, let name):
            fleet?.remember(speed, lessons, of: tier, on: host, called: name)
        case .sent(let tier, let host): fleet?.sent(tier, to: host)
        case .withdrawal(let request, let work, let host, let left, let recorded):
            let other = fleet?.withdrawal(of: request, work, from: host, except: left, at: event.at)?.to.id
            guard other == recorded else {
                throw Difference(
                    recorded: "\(work.tier) leaves \(host) for \(recorded)",
                    replayed: other.map { "for \($0)" } ?? "it stays")
            }
            decisions += 1
        case .ended(let tier, let host, let outcome, let recorded):
            let isOut = fleet?.ended(tier, on: host, outcome, at: event.at)
            guard isOut == recorded else {
                throw Difference(
                    recorded: "\(tier) on \(host) is \(recorded ? "out" : "not out")",
                    replayed: "it is \(isOut == true ? "out" : "not out")")
            }
            decisions += 1
            return .ended(tier: tier, host, outcome, isOut: recorded)
        case .choice(let question, let given, let recorded, let isSent):
            terms = given ?? terms
            guard let terms, let route = fleet?.route(question, by: terms, at: event.at) else { return .skipped }
            let choice = PlacementChoice(route)
            guard choice == recorded else {
                throw Difference(recorded: Self.text(recorded), replayed: Self.text(choice))
            }
            if isSent, case .host(let verdict) = route.decision { fleet?.sent(route.tier, to: verdict.id) }
            decisions += 1
            return .placed(question, route)
        case .terms, .membership, .input, .fleet, .missing: break
        }
        return .quiet
    }

    private static func text(_ choice: PlacementChoice) -> String {
        "\(choice.tier) on \(choice.host.map(\.description) ?? "nobody (\(choice.why))")"
    }

    private static func difference(_ recorded: [Membership.Action], _ replayed: [Membership.Action]) -> Difference {
        func text(_ actions: [Membership.Action]) -> String {
            actions.isEmpty ? "nothing" : actions.map(\.text).joined(separator: "; ")
        }
        return Difference(recorded: text(recorded), replayed: text(replayed))
    }
}

extension Membership.Action {
    /// For people.
    package var text: String {
        switch self {
        case .follow(let lead, _, _, let delay): "follow \(lead) after \(delay) s"
        case .unfollow(let lead): "unfollow \(lead)"
        case .handOver(let old, let new): "hand the stream of \(old) to \(new)"
        case .probe(let lead, _): "probe \(lead)"
        case .changed(let id, let old, let new, let evidence):
            "\(id) \(old?.rawValue ?? "new") -> \(new?.rawValue ?? "gone") (\(evidence))"
        }
    }
}
