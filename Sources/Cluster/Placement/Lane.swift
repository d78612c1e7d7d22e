/// A tier on a host, and what the router knows of it beyond what the host says.
struct Lane: Sendable, Codable {
    private(set) var known: KnownHost
    private(set) var standing: Standing
    private(set) var rates: Rates
    var ejection = Ejection()
    /// What was known before the host said anything, and what it said before it started anew.
    private(set) var speed: TierSpeed
    var lessons: TierLessons
    /// Of the tier in ``Host/tiers``.
    private var index: Int
    /// This router's own requests there; and how many of them there were when the host last reported.
    private(set) var outstanding = 0
    private var outstandingAtReport = 0
    /// When the host came back, having been known before.
    private var back: Double?

    /// Seconds after a return in which a host is taken to have but a part of its slots, a part that grows with time: what made
    /// it go may not be over, and all who waited for it would come at once (nginx has it as `slow_start`).
    static let slowStart = 30.0

    /// What is left of it when its host is gone.
    struct Remembered: Sendable, Codable {
        var speed: TierSpeed
        var lessons: TierLessons
    }

    /// What each request asks of a report: numbers, which are copied for nothing.
    struct Standing: Equatable, Sendable, Codable {
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

        init(_ report: TierReport) {
            isShared = report.shared
            isLocalModel = report.backend == .gguf
            state = report.state
            slots = max(report.slots, 1)
            busy = report.busy
            queued = report.queued
            contextSize = report.fingerprint.contextSize
            loadRemaining = report.loadRemaining
        }
    }

    /// - Parameters:
    ///   - index: of the tier in the host's.
    ///   - before: what is known of it from before.
    init(_ host: KnownHost, _ index: Int, _ before: Remembered?) {
        let report = host.host.tiers[index]
        known = host
        self.index = index
        standing = Standing(report)
        speed = report.speed.completed(by: before?.speed)
        rates = Rates(report, on: host.host.machine, told: report.speed, known: before?.speed)
        lessons = before?.lessons ?? TierLessons()
    }

    /// The host has reported anew.
    ///
    /// - Parameters:
    ///   - index: of the tier in the host's.
    ///   - isNewRun: its router has started anew.
    ///   - back: when it came back, where that is what it has done.
    /// - Returns: whether the tier has another name for anyone.
    mutating func update(_ host: KnownHost, _ index: Int, isNewRun: Bool, back: Double?) -> Bool {
        self.back = back ?? self.back
        let (before, report) = (self.report, host.host.tiers[index])
        known = host
        self.index = index
        if !isNewRun, before == report { return false }
        if isNewRun { ejection = Ejection() }
        if report.busy != before.busy || report.queued != before.queued { outstandingAtReport = outstanding }
        standing = Standing(report)
        if isNewRun || report.speed != before.speed || report.sizeBytes != before.sizeBytes {
            speed = report.speed.completed(by: speed)
            rates = Rates(report, on: host.host.machine, told: report.speed, known: speed)
        }
        return before.aliases != report.aliases || before.shared != report.shared
    }

    /// What the host says of the tier.
    var report: TierReport { known.host.tiers[index] }
    var host: NodeID { known.host.id }

    mutating func sent() { outstanding += 1 }

    mutating func ended() { outstanding = max(0, outstanding - 1) }

    /// Slots that it may be given now: all of them, unless it is just back.
    func openSlots(at now: Double) -> Int {
        guard let since = [back, ejection.end].compactMap({ $0 }).max(), now - since < Self.slowStart else {
            return standing.slots
        }
        return max(1, Int(Double(standing.slots) * max(0, now - since) / Self.slowStart))
    }

    /// Requests in hand there, as far as one can tell: what the host said last, and what this router did since.
    var inHand: Int { max(0, standing.busy + outstanding - outstandingAtReport) }
}
