import Cluster
import NIOCore
import Wire

/// One request on its way to a tier of this host: counted while it lasts, and its timings read when it is over.
final class TierTraffic: ExchangeObserver {
    private let meter: any TierGate
    private let ticket: AdmissionTicket
    /// The end of the reply so far: at least its last ``ReplyTimings/tailLength`` bytes. Copied, for it may come in any
    /// number of pieces, and a piece that is kept keeps the whole read that it was cut from.
    private var tail: [UInt8] = []

    /// - Parameter tier: the name of a tier that runs here.
    init(_ tier: String, _ meter: any TierGate) {
        self.meter = meter
        // What it answers is not heeded yet.
        ticket = meter.enter(tier, AdmissionRequest(id: "", promptTokens: 0)) { _ in }
        tail.reserveCapacity(Self.capacity)
    }

    private static let capacity = 4 * ReplyTimings.tailLength

    func received(_ bytes: ByteBuffer) {
        let end = bytes.readableBytesView.suffix(ReplyTimings.tailLength)
        if tail.count + end.count > Self.capacity { tail.removeFirst(tail.count - ReplyTimings.tailLength) }
        tail.append(contentsOf: end)
    }

    func ended() { meter.leave(ticket, ReplyTimings(tail: tail.suffix(ReplyTimings.tailLength))) }
}
