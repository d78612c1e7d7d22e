/// How fast bytes arrive, of late. Times are seconds on any one monotonic clock, handed in.
package struct TransferRate: Equatable, Sendable {
    /// How far it looks back, in seconds: a rate of an hour ago says little about the time that is left.
    package static let window = 20.0

    private struct Sample: Equatable {
        var count: Int64
        var at: Double
    }

    /// In order, half a second apart at least; the last one is the newest.
    private var samples: [Sample] = []

    package init() {}

    /// - Parameter count: of all bytes that are there; those of the first call say nothing about the rate.
    package mutating func note(_ count: Int64, at now: Double) {
        // Somebody began anew.
        if let last = samples.last, count < last.count { samples = [] }
        if samples.count > 1, now - samples[samples.count - 2].at < 0.5 { samples.removeLast() }
        samples.append(Sample(count: count, at: now))
        while samples.count > 2, now - samples[1].at >= Self.window { samples.removeFirst() }
    }

    /// 0 until it is known, and while nothing arrives.
    package var bytesPerSecond: Double {
        guard let first = samples.first, let last = samples.last, last.at > first.at else { return 0 }
        return Double(last.count - first.count) / (last.at - first.at)
    }
}
