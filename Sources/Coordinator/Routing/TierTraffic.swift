import NIOCore
import Wire

/// One request on its way to a tier of this host: counted while it lasts, and its timings read when it is over.
final class TierTraffic: ExchangeObserver {
    private let meter: any TrafficMeter
    private let tier: String
    /// The end of the reply so far: at least its last ``ReplyTimings/tailLength`` bytes. Copied, for it may come in any
    /// number of pieces, and a piece that is kept keeps the whole read that it was cut from.
    private var tail: [UInt8] = []

    /// - Parameter tier: the name of a tier that runs here.
    init(_ tier: String, _ meter: any TrafficMeter) {
        self.meter = meter
        self.tier = tier
        tail.reserveCapacity(Self.capacity)
        meter.began(tier)
    }

    private static let capacity = 4 * ReplyTimings.tailLength

    func received(_ bytes: ByteBuffer) {
        let end = bytes.readableBytesView.suffix(ReplyTimings.tailLength)
        if tail.count + end.count > Self.capacity { tail.removeFirst(tail.count - ReplyTimings.tailLength) }
        tail.append(contentsOf: end)
    }

    func ended() { meter.ended(tier, ReplyTimings(tail: tail.suffix(ReplyTimings.tailLength))) }
}
