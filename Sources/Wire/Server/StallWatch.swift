package import NIOCore

/// Whether a client has taken nothing of what waits for it for too long. Counts and the time in, a verdict out.
///
/// A slow client is not a stalled one: what counts is that it takes anything at all.
package struct StallWatch: Sendable {
    private var taken = 0
    /// When it was seen to take something, or something began to wait.
    private var since: NIODeadline?

    package init() {}

    /// To be called every second or so.
    ///
    /// - Parameters:
    ///   - offered: bytes that were ever written to the client.
    ///   - waiting: those of them that are still here; with their framing, so that they may be more.
    ///   - limit: for how long a client may take nothing.
    package mutating func isOver(offered: Int, waiting: Int, at now: NIODeadline, limit: TimeAmount) -> Bool {
        guard waiting > 0 else {
            since = nil
            return false
        }
        let taken = offered - waiting
        if let since, taken <= self.taken { return now - since >= limit }
        self.taken = taken
        since = now
        return false
    }
}
