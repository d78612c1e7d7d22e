/// A tier on a host, and what the router knows of it beyond what the host says.
struct Lane: Sendable, Codable {
    private(set) var known: KnownHost
    var standing: Standing
    /// What the host says of it while it is up, completed by what it said before it started anew, and by what was known
    /// before it said anything. What one says that is in doubt or down is not learned: no ledger keeps that either, and a
    /// router that starts anew is to place as before.
    private(set) var speed: TierSpeed
    /// Of the tier in ``Host/tiers``.
    private var index: Int

    /// What is left of it when its host is gone.
    struct Remembered: Sendable, Codable {
        var speed: TierSpeed
        var lessons: TierLessons
    }

    /// - Parameters:
    ///   - index: of the tier in the host's.
    ///   - before: what is known of it from before.
    init(_ host: KnownHost, _ index: Int, _ before: Remembered?) {
        let report = host.host.tiers[index]
        known = host
        self.index = index
        speed = host.host.health == .up ? report.speed.completed(by: before?.speed) : before?.speed ?? TierSpeed()
        let rates = Rates(report, on: host.host.machine, told: report.speed, known: before?.speed)
        standing = Standing(host.host, report, rates, before?.lessons ?? TierLessons())
        standing.load = CostModel.load(self)
    }

    /// The host has reported anew.
    ///
    /// - Parameters:
    ///   - index: of the tier in the host's.
    ///   - isNewRun: its router has started anew.
    ///   - back: when it came back, where that is what it has done.
    /// - Returns: whether the tier has another name for anyone.
    mutating func update(_ host: KnownHost, _ index: Int, isNewRun: Bool, back: Double?) -> Bool {
        let (before, report) = (self.report, host.host.tiers[index])
        let (wasUp, isUp) = (known.host.health == .up, host.host.health == .up)
        known = host
        self.index = index
        var rates = standing.rates
        if isNewRun || wasUp != isUp || report.speed != before.speed || report.sizeBytes != before.sizeBytes {
            if isUp { speed = report.speed.completed(by: speed) }
            rates = Rates(report, on: host.host.machine, told: report.speed, known: speed)
        }
        standing.tell(host.host, report, rates)
        // What it has beside the tier may have changed.
        standing.load = CostModel.load(self)
        standing.back = back ?? standing.back
        if isNewRun { standing.ejection = Ejection() }
        return before.aliases != report.aliases || before.shared != report.shared
    }

    /// What the host says of the tier.
    var report: TierReport { known.host.tiers[index] }
    var host: NodeID { known.host.id }
    var remembered: Remembered { Remembered(speed: speed, lessons: standing.lessons) }
}
