/// What each request asks of a tier on a host: numbers and nothing else, so that to look at sixteen of them is to read
/// memory, and no count of references is changed.
struct Standing: Equatable, Sendable, Codable, BitwiseCopyable {
    // MARK: What the host says

    var isLocal: Bool
    var health: Membership.Health
    var hasPlace: Bool
    var isAccepting: Bool
    var isOnBattery: Bool

    // MARK: What it says of the tier

    var isShared: Bool
    var isLocalModel: Bool
    var state: TierState
    /// 1 at least.
    var slots: Int
    var busy: Int
    var queued: Int
    /// Tokens of one slot; 0 when unknown.
    var contextSize: Int
    /// Seconds until a load that is under way is expected to end.
    var loadRemaining: Double?
    var rates: Rates
    /// What it costs to load it, where it is not in memory.
    var load = Load(seconds: 0, penalty: 0)

    // MARK: What this router has seen

    var lessons: TierLessons
    var ejection = Ejection()
    /// This router's own requests there; and how many of them there were when the host last reported.
    private(set) var outstanding = 0
    private var outstandingAtReport = 0
    /// When the host came back, having been known before.
    var back: Double?

    /// Seconds until a model is there, and what others pay for it.
    struct Load: Equatable, Sendable, Codable, BitwiseCopyable {
        var seconds: Double
        var penalty: Double
    }

    /// Seconds after a return in which a host is taken to have but a part of its slots, a part that grows with time: what made
    /// it go may not be over, and all who waited for it would come at once (nginx has it as `slow_start`).
    static let slowStart = 30.0

    init(_ host: Host, _ report: TierReport, _ rates: Rates, _ lessons: TierLessons) {
        (isLocal, health, hasPlace) = (host.isLocal, host.health, host.place != nil)
        (isAccepting, isOnBattery) = (host.policy.accepting, host.power.source == .battery)
        (isShared, isLocalModel, state) = (report.shared, report.backend == .gguf, report.state)
        (slots, busy, queued) = (max(report.slots, 1), report.busy, report.queued)
        contextSize = report.fingerprint.contextSize
        loadRemaining = report.loadRemaining
        self.rates = rates
        self.lessons = lessons
    }

    /// What is said now; what this router has seen stays.
    mutating func tell(_ host: Host, _ report: TierReport, _ rates: Rates) {
        var new = Standing(host, report, rates, lessons)
        new.ejection = ejection
        new.back = back
        new.outstanding = outstanding
        let isNews = busy != new.busy || queued != new.queued
        new.outstandingAtReport = isNews ? outstanding : outstandingAtReport
        self = new
    }

    mutating func sent() { outstanding += 1 }

    mutating func ended() { outstanding = max(0, outstanding - 1) }

    /// Slots that it may be given now: all of them, unless it is just back.
    func openSlots(at now: Double) -> Int {
        let since = max(back ?? -.infinity, ejection.end ?? -.infinity)
        guard now - since < Self.slowStart else { return slots }
        return max(1, Int(Double(slots) * max(0, now - since) / Self.slowStart))
    }

    /// Requests in hand there, as far as one can tell: what the host said last, and what this router did since.
    var inHand: Int { max(0, busy + outstanding - outstandingAtReport) }
}
