/// Something that goes wrong for a while.
struct Fault: Sendable, CustomStringConvertible {
    enum Kind: Sendable, Equatable {
        /// The router dies; its machine says so.
        case crash(Int)
        /// The machine is off: nobody says so.
        case powerLoss(Int)
        /// The router gets no processor time: a suspended laptop, a debugger, an overloaded machine.
        case pause(Int)
        /// Nothing gets through one way.
        case cut(Int, to: Int)
        /// Nothing gets through to a node or from it.
        case partition(Int)
        case loss(Int, to: Int, percent: Int)
        case delay(Int, to: Int, moments: Int)
        case slow(Int)
        case failLoads(Int)
        /// Replies are 5xx.
        case errors(Int)
        case drain(Int)
        /// Its service is withdrawn although it is there.
        case goodbye(Int)
        /// It runs with another node's id, as a copied installation does.
        case clone(Int, of: Int)
        /// It is in another cluster.
        case foreign(Int)
        /// It speaks a newer protocol.
        case newer(Int)
        /// It closes each events stream right after its description.
        case hangUp(Int)
        /// It gets another address.
        case move(Int)
        /// Many requests at once at its router.
        case flood(Int, requests: Int)

        var isByHand: Bool {
            switch self {
            case .clone, .foreign, .newer: true
            default: false
            }
        }
    }

    var kind: Kind
    var begin: Moment
    var end: Moment

    var description: String { "\(Time.text(begin)) to \(Time.text(end)): \(kind)" }

    /// The faults of one stretch of trouble.
    static func plan(nodes: Int, from begin: Moment, to end: Moment, _ random: inout SplitMix) -> [Fault] {
        let count = random.between(4, 24)
        return (0..<count).map { _ in
            let start = random.between(begin, end - Time.second)
            let longest = max(1, end - start)
            let length = min(random.spread(Time.second / 4, 2 * Time.minute), longest)
            let kind = kind(nodes: nodes, &random)
            // People do it, and discovery has told everybody by then: who was another cluster's for less is asked again after
            // a minute (`Membership.strangerRetry`), and not before.
            guard kind.isByHand else { return Fault(kind: kind, begin: start, end: start + length) }
            let end = min(max(start + length, start + 3 * Time.second), end)
            return Fault(kind: kind, begin: min(start, end - 3 * Time.second), end: end)
        }.sorted { ($0.begin, $0.end) < ($1.begin, $1.end) }
    }

    private static func kind(nodes: Int, _ random: inout SplitMix) -> Kind {
        let node = random.below(nodes)
        let other = (node + random.between(1, nodes - 1)) % nodes
        switch random.below(24) {
        case 0, 1: return .crash(node)
        case 2: return .powerLoss(node)
        case 3, 4: return .pause(node)
        case 5, 6: return .cut(node, to: other)
        case 7: return .partition(node)
        case 8: return .loss(node, to: other, percent: random.between(1, 40))
        case 9: return .delay(node, to: other, moments: random.spread(8, 2 * Time.second))
        case 10, 11: return .slow(node)
        case 12: return .failLoads(node)
        case 13, 14, 15: return .errors(node)
        case 16: return .drain(node)
        case 17: return .goodbye(node)
        case 18: return random.percent(50) ? .clone(node, of: other) : .foreign(node)
        case 19: return .newer(node)
        case 20: return .hangUp(node)
        case 21: return .move(node)
        default: return .flood(node, requests: random.spread(10, 120))
        }
    }
}
