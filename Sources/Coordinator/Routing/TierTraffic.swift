import NIOCore
import Wire

/// One request on its way to a tier of this host: counted while it lasts, and its timings read when it is over.
final class TierTraffic: ExchangeObserver {
    private let meter: any TrafficMeter
    private let tier: String
    /// The end of the reply so far, as it came: nothing is copied while it passes.
    private var last = ByteBuffer()
    private var beforeLast = ByteBuffer()

    /// - Parameter tier: the name of a tier that runs here.
    init(_ tier: String, _ meter: any TrafficMeter) {
        self.meter = meter
        self.tier = tier
        meter.began(tier)
    }

    func received(_ bytes: ByteBuffer) {
        beforeLast = last
        last = bytes
    }

    func ended() {
        let tail = beforeLast.readableBytesView.suffix(ReplyTimings.tailLength) + last.readableBytesView
        meter.ended(tier, ReplyTimings(tail: tail.suffix(ReplyTimings.tailLength)))
    }
}
