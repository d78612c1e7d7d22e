/// Simulated time: a second has 1,024 moments, so that sums and differences of them are exact as `Double`, whatever clock
/// they are told by. Equal intervals are then equal on every clock, and a trace does not depend on where clocks began.
typealias Moment = Int

enum Time {
    static let second: Moment = 1024
    static let minute: Moment = 60 * second
    static let hour: Moment = 60 * minute

    static func text(_ moment: Moment) -> String {
        let (whole, rest) = moment.quotientAndRemainder(dividingBy: second)
        let thousandths = String(1000 + rest * 1000 / second).dropFirst()
        return "\(whole / 60)m\(whole % 60).\(thousandths)s"
    }
}

/// A host's monotonic clock: it began somewhere, and runs a little fast or slow.
struct HostClock: Sendable {
    /// Seconds at the start of the simulation.
    var origin: Double
    /// By so many 8,192nds faster than time itself: binary, so that readings are exact.
    var drift: Int

    private var rate: Double { 1 + Double(drift) / 8192 }

    /// Seconds.
    func reading(at moment: Moment) -> Double { origin + Double(moment) / Double(Time.second) * rate }

    /// Moments that pass while the clock counts so many seconds; at least one.
    func moments(_ seconds: Double) -> Moment { max(1, Moment((seconds / rate * Double(Time.second)).rounded(.up))) }
}
