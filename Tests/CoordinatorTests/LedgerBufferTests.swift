import Cluster
import Coordinator
import RouterHarness
import Testing

struct LedgerBufferTests {
    @Test("Rows wait in order; of nodes and rates only the last word does")
    func order() {
        var buffer = LedgerBuffer(limit: 10)
        #expect(buffer.isEmpty)
        for entry: LedgerEntry in [
            .health(1), .node("b"), .rates("b", "plan", decode: 1), .placement(2), .node("a"), .health(3),
            .node("b", ["10.0.0.2"]), .rates("b", "plan", decode: 2),
        ] { buffer.add(entry) }
        let batch = buffer.take(10)
        #expect(batch.rows == [.health(1), .placement(2), .health(3)])
        #expect(batch.nodes.map(LedgerEntry.node) == [.node("a"), .node("b", ["10.0.0.2"])])
        #expect(batch.rates.map(LedgerEntry.rates) == [.rates("b", "plan", decode: 2)])
        #expect(buffer.isEmpty && buffer.take(10).isEmpty)
    }

    @Test("The oldest rows go where there is no room, and are counted", arguments: [1, 2, 7, 100])
    func dropping(_ limit: Int) {
        var buffer = LedgerBuffer(limit: limit)
        for number in 0..<250 { buffer.add(.health(number)) }
        #expect(buffer.waiting == limit)
        #expect(buffer.forgetDropped() == 250 - limit)
        #expect(buffer.forgetDropped() == 0)
        #expect(buffer.take(.max / 2).rows == ((250 - limit)..<250).map { .health($0) })
    }

    @Test("What could not be written comes first again, and what has come since wins")
    func puttingBack() {
        var buffer = LedgerBuffer(limit: 5)
        for number in 0..<4 { buffer.add(.health(number)) }
        buffer.add(.node("a"))
        buffer.add(.node("b"))
        buffer.add(.rates("a", "plan", decode: 1))
        let batch = buffer.take(3)
        #expect(batch.rows == (0..<3).map { .health($0) })
        buffer.add(.health(4))
        buffer.add(.node("a", ["10.0.0.9"]))
        buffer.add(.rates("a", "plan", decode: 9))
        buffer.putBack(batch)
        #expect(buffer.dropped == 0)
        buffer.add(.health(5))
        let again = buffer.take(10)
        #expect(again.rows == (1...5).map { .health($0) })
        #expect(again.nodes.map(LedgerEntry.node) == [.node("a", ["10.0.0.9"]), .node("b")])
        #expect(again.rates.map(LedgerEntry.rates) == [.rates("a", "plan", decode: 9)])
        #expect(buffer.forgetDropped() == 1)
    }

    @Test("However it is filled, emptied and put back, no row is lost, doubled or out of order")
    func anyOrder() {
        for seed in 1...200 as ClosedRange<UInt64> {
            var random = SplitMix64(seed: seed)
            var buffer = LedgerBuffer(limit: 8)
            var next = 0
            var written: [Int] = []
            for _ in 0..<200 {
                switch random.next() % 4 {
                case 0, 1:
                    buffer.add(.health(next))
                    next += 1
                case 2: written += buffer.take(Int(random.next() % 6)).rows.map(Self.number)
                default:
                    let batch = buffer.take(Int(random.next() % 6))
                    if random.next() % 2 == 0 {
                        buffer.add(.health(next))
                        next += 1
                    }
                    buffer.putBack(batch)
                }
            }
            written += buffer.take(8).rows.map(Self.number)
            #expect(written == written.sorted() && Set(written).count == written.count, "seed \(seed)")
            #expect(written.count + buffer.forgetDropped() == next, "seed \(seed)")
        }
    }

    private static func number(_ entry: LedgerEntry) -> Int {
        guard case .health(let record) = entry else { return -1 }
        return Int(record.time - 1_764_000_000)
    }
}

struct LedgerMemoryTests {
    @Test("A node keeps when it was first seen, and where it was while it has no lasting address")
    func merging() {
        var memory = LedgerMemory()
        func add(_ entry: LedgerEntry) {
            if case .node(let record) = entry { memory.add(record) }
        }
        add(.node("a", ["10.0.0.1", "fe80::1", "FE80::2%eth0", "169.254.1.1%en0"], seen: 100))
        add(.node("a", ["fe80::1%eth0"], seen: 200))
        let node = memory.nodes[NodeID("a")]
        #expect(node?.places == [Place(host: "10.0.0.1", port: 10103)])
        #expect(node?.firstSeen == 100)
        #expect(node?.lastSeen == 200)
    }

    @Test("Those are tried at start that were seen in this cluster within a month, the last ones first")
    func tried() {
        var memory = LedgerMemory()
        let now = 100.0 * 86400
        for entry: LedgerEntry in [
            .node("old", seen: now - 31 * 86400), .node("other", cluster: "cluster1", seen: now),
            .node("nowhere", ["fe80::1"], seen: now), .node("first", seen: now - 29 * 86400), .node("last", seen: now),
        ] {
            if case .node(let record) = entry { memory.add(record) }
        }
        #expect(memory.nodes(of: ClusterID("cluster0"), now: now).map(\.id.description) == ["last", "first"])
    }

    @Test("A flood of nodes or tiers fills no memory: the oldest are forgotten")
    func flood() {
        var memory = LedgerMemory()
        for number in 0..<LedgerMemory.nodeLimit + 10 {
            if case .node(let record) = LedgerEntry.node("n\(number)", seen: Double(number)) { memory.add(record) }
        }
        #expect(memory.nodes.count == LedgerMemory.nodeLimit)
        #expect(memory.nodes[NodeID("n9")] == nil)
        #expect(memory.nodes[NodeID("n10")] != nil)
        for number in 0..<LedgerMemory.rateLimit + 2 {
            memory.add(
                RateRecord(node: NodeID("n"), tier: "\(number)", speed: TierSpeed(), updated: Double(number)))
        }
        #expect(memory.rates.count == LedgerMemory.rateLimit)
        #expect(memory.speed(of: NodeID("n"), "1") == nil)
        #expect(memory.speed(of: NodeID("n"), "2") != nil)
    }
}
