/// What placement makes of one host for one request.
package struct Verdict: Equatable, Sendable {
    private let known: KnownHost
    /// Why it cannot be asked; nil when it can.
    package var exclusion: Exclusion?
    /// What it would cost; of an excluded host what it would cost otherwise.
    package var cost: Cost
    /// Requests in hand there, and those that run at once.
    package var inHand: Int
    var slots: Int

    init(_ lane: Lane, exclusion: Exclusion? = nil, cost: Cost) {
        known = lane.known
        self.exclusion = exclusion
        self.cost = cost
        (inHand, slots) = (lane.standing.inHand, lane.standing.slots)
    }

    package var host: Host { known.host }
    // One by one, for a host is much to copy.
    package var id: NodeID { known.host.id }
    package var name: String { known.host.name }
    package var isLocal: Bool { known.host.isLocal }
    package var place: Place? { known.host.place }

    /// Why a host cannot be asked.
    package enum Exclusion: Equatable, Sendable {
        case down(String)
        case notAccepting(String)
        case notShared
        case otherModel(String)
        case state(TierState, String)
        case ejected(seconds: Double)
        case tooSmall(context: Int)
        case triedAlready
        /// Another router has chosen.
        case notAsked

        /// For people, after the host's name.
        package var text: String {
            switch self {
            case .down(let why): why.isEmpty ? "down" : "down (\(why))"
            case .notAccepting(let why): "takes no work of others: \(why)"
            case .notShared: "does not lend it"
            case .otherModel(let what): "serves another model under that name (\(what))"
            case .state(let state, let why): why.isEmpty ? state.rawValue : why
            case .ejected(let seconds): "failed three times, tried again in \(Int(seconds.rounded(.up))) s"
            case .tooSmall(let context): "has room for \(context) tokens"
            case .triedAlready: "failed at this request"
            case .notAsked: "not asked"
            }
        }

        /// Seconds after which another try makes sense.
        var retryAfter: Int {
            switch self {
            case .down: 5
            case .ejected(let seconds): max(1, Int(seconds.rounded(.up)))
            case .triedAlready: 1
            case .notAccepting, .state: 30
            case .notShared, .otherModel, .tooSmall, .notAsked: 300
            }
        }
    }
}
