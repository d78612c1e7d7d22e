import NIOCore
import Wire

/// The end of a reply that passes: as much as ``ReplyTimings`` are found in. Copied, for it may come in any number of
/// pieces, and a piece that is kept keeps the whole read that it was cut from.
struct ReplyTail {
    private var bytes: [UInt8] = []

    private static let capacity = 4 * ReplyTimings.tailLength

    mutating func append(_ more: ByteBuffer) {
        let end = more.readableBytesView.suffix(ReplyTimings.tailLength)
        // Most replies that come in one piece are short.
        if !bytes.isEmpty { bytes.reserveCapacity(Self.capacity) }
        if bytes.count + end.count > Self.capacity { bytes.removeFirst(bytes.count - ReplyTimings.tailLength) }
        bytes.append(contentsOf: end)
    }

    /// Whether the words are among so many last bytes.
    func contains(_ words: StaticString, within length: Int) -> Bool {
        let pattern = UnsafeBufferPointer(start: words.utf8Start, count: words.utf8CodeUnitCount)
        guard bytes.count >= pattern.count else { return false }
        let first = max(0, bytes.count - length)
        return (first...max(first, bytes.count - pattern.count)).contains { bytes[$0...].starts(with: pattern) }
    }

    var timings: ReplyTimings? {
        bytes.withUnsafeBufferPointer {
            ReplyTimings(tail: UnsafeBufferPointer(rebasing: $0.suffix(ReplyTimings.tailLength)))
        }
    }
}
