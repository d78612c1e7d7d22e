/// A tier on a host, and what the router knows of it beyond what the host says.
struct Lane: Sendable {
    let host: NodeID
    var report: TierReport
    var rates: Rates
    var ejection = Ejection()
    /// What was known before the host said anything, and what it said before it started anew.
    private(set) var known: TierSpeed
    var learned = Learned()
    /// When its load was seen to begin; nil where that was not seen.
    private(set) var loadingSince: Double?
    /// This router's own requests there; and how many of them there were when the host last reported.
    private(set) var outstanding = 0
    private var outstandingAtReport = 0

    init(_ host: Host, _ report: TierReport, known: TierSpeed?) {
        self.host = host.id
        self.report = report
        self.known = report.speed.completed(by: known)
        rates = Rates(report, on: host.machine, told: report.speed, known: known)
    }

    /// The host has reported anew.
    mutating func update(_ host: Host, _ report: TierReport, at now: Double) {
        if report.state != self.report.state { loadingSince = report.state == .loading ? now : nil }
        if report.busy != self.report.busy || report.queued != self.report.queued { outstandingAtReport = outstanding }
        self.report = report
        known = report.speed.completed(by: known)
        rates = Rates(report, on: host.machine, told: report.speed, known: known)
    }

    mutating func sent() { outstanding += 1 }

    mutating func ended() { outstanding = max(0, outstanding - 1) }

    /// Requests in hand there, as far as one can tell: what the host said last, and what this router did since.
    var inHand: Int { max(0, report.busy + outstanding - outstandingAtReport) }

    /// What replies have taught.
    struct Learned: Equatable, Sendable {
        /// Tokens that prompts had, over what they were estimated to have.
        var tokenRatio: Double?
        /// Seconds until the first token that nothing else explains: the way, the engine's own steps.
        var overhead: Double?
    }
}
