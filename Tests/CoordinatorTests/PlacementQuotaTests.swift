import Coordinator
import Testing

@Suite("How many placements the ledger takes")
struct PlacementQuotaTests {
    @Test("A hundred in each second of the clock, and what is left out is counted")
    func limit() {
        let quota = PlacementQuota()
        let taken = (0..<250).count { _ in quota.take(at: 7.1) }
        #expect(taken == 100)
        #expect(quota.forgetLeftOut() == 150)
        #expect(quota.forgetLeftOut() == 0)
        #expect(!quota.take(at: 7.9))
        #expect((0..<250).count { quota.take(at: 8 + Double($0) / 1000) } == 100)
    }

    @Test("Threads that take at once do not get more together")
    func threads() async {
        let quota = PlacementQuota()
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 { group.addTask { (0..<1000).count { _ in quota.take(at: 3) } } }
            return await group.reduce(0, +)
        }
        #expect(taken == 100)
        #expect(quota.forgetLeftOut() == 3900)
    }
}
