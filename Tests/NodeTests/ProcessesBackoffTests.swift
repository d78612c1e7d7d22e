import Node
import Testing

@Suite("How long a daemon waits for its next start")
struct ProcessesBackoffTests {
    @Test("Waits double from one second to thirty and stay there")
    func doubling() {
        var backoff = Backoff()
        var now = 0.0
        var waits: [Double] = []
        for _ in 0..<7 {
            backoff.started(at: now)
            let next = backoff.ended(at: now)
            waits.append(next - now)
            now = next
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30])
    }

    @Test(
        "A life of a minute begins anew, a second less does not", arguments: [(60.0, 1.0), (59.0, 4.0), (3600.0, 1.0)])
    func recovering(_ life: Double, _ wait: Double) {
        var backoff = Backoff()
        for _ in 0..<2 {
            backoff.started(at: 0)
            _ = backoff.ended(at: 0)
        }
        backoff.started(at: 100)
        #expect(backoff.ended(at: 100 + life) == 100 + life + wait)
    }

    @Test("A program that could not even be started waits as one that died")
    func neverStarted() {
        var backoff = Backoff()
        #expect(backoff.ended(at: 5) == 6)
        #expect(backoff.ended(at: 6) == 8)
    }
}
