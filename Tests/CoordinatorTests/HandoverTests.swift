import Coordinator
import RouterHarness
import Synchronization
import Testing

struct HandoverTests {
    private final class Count: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func rise() { count.withLock { $0 += 1 } }
    }

    @Test("A sender that floods has one element waiting, and holds up nobody else")
    func flood() async {
        let handover = Handover<String>()
        let sent = Count()
        await withTaskGroup(of: Void.self) { group in
            let (flooder, other) = (handover.sender(), handover.sender())
            group.addTask {
                while !Task.isCancelled {
                    sent.rise()
                    await flooder.send("flood")
                }
            }
            #expect(await eventually { sent.value == 1 })
            group.addTask { await other.send("word") }
            var taker = handover.makeAsyncIterator()
            var taken: [String] = []
            // At most one more of the flood is before it, whatever the order in which the two came.
            while !taken.contains("word"), taken.count < 10, let next = await taker.next() { taken.append(next) }
            #expect(taken.contains("word"))
            #expect(sent.value <= taken.count + 1)
            group.cancelAll()
        }
    }

    @Test("All that was sent before the end is taken, and sending after it does not wait")
    func end() async {
        let handover = Handover<Int>()
        let senders = (0..<3).map { _ in handover.sender() }
        let tasks = senders.enumerated().map { number, sender in
            Task { for item in 0..<5 { await sender.send(number * 5 + item) } }
        }
        var taken: [Int] = []
        for await item in handover {
            taken.append(item)
            if taken.count == 15 { handover.finish() }
        }
        for task in tasks { await task.value }
        await senders[0].send(99)
        #expect(taken.sorted() == Array(0..<15))
        #expect(taken.filter { $0 < 5 } == [0, 1, 2, 3, 4])
    }
}
