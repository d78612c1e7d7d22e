import NIOCore
import Testing
import Wire

/// Clients that take their time, and those that take nothing: by hand, with the time handed in.
struct StallWatchTests {
    /// What is looked at each second: bytes written in all, and bytes that still wait.
    private struct Trace: CustomTestStringConvertible {
        var testDescription: String
        var looks: [(offered: Int, waiting: Int)]
        /// The second at which the client has been stalled for ten; nil for never.
        var over: Int?

        init(_ description: String, over: Int?, _ look: (Int) -> (Int, Int)) {
            testDescription = description
            looks = (0..<60).map { look($0) }
            self.over = over
        }
    }

    private static let traces = [
        Trace("nothing waits", over: nil) { ($0 * 1000, 0) },
        Trace("nothing is taken", over: 10) { _ in (300_000, 300_000) },
        Trace("nothing is taken from the fifth second", over: 15) { (300_000, 300_000 - min($0, 5) * 1000) },
        Trace("a byte a second", over: nil) { (300_000, 300_000 - $0) },
        Trace("slower than what comes", over: nil) { (($0 + 1) * 10_000, ($0 + 1) * 9000) },
        Trace("what comes is framed, and nothing is taken", over: 10) { (($0 + 1) * 100, ($0 + 1) * 107) },
        Trace("a byte every nine seconds", over: nil) { (300_000, 300_000 - $0 / 9) },
        Trace("all is taken in the ninth second, then nothing of the next", over: 20) {
            ($0 + 1, $0 < 10 ? ($0 == 9 ? 0 : 1) : 1 + $0 - 10)
        },
    ]

    @Test(arguments: traces) private func `What counts is whether anything is taken`(_ trace: Trace) {
        var watch = StallWatch()
        var over: Int?
        for (second, look) in trace.looks.enumerated() where over == nil {
            let now = NIODeadline.uptimeNanoseconds(0) + .seconds(Int64(second))
            if watch.isOver(offered: look.offered, waiting: look.waiting, at: now, limit: .seconds(10)) {
                over = second
            }
        }
        #expect(over == trace.over)
    }
}
