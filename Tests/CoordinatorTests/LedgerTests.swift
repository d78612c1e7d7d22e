import Cluster
import Coordinator
import Foundation
import GRDB
import RouterHarness
import Testing

/// The ledger with a sound file.
struct LedgerTests {
    @Test("What is noted can be read with SQL, beside the running router: names, times in UTC, and no secret")
    func content() async throws {
        let scratch = try LedgerScratch()
        try await scratch.running { ledger in
            ledger.note(
                .node(
                    NodeRecord(
                        id: NodeID("studio00"), cluster: ClusterID("cluster0"), name: "studio\u{1b}[2J",
                        places: [Place(host: "10.0.0.7", port: 10103), Place(host: "fd00::7", port: 1)],
                        firstSeen: 0, lastSeen: 1_764_000_131.25, version: "1.2", platform: "linux/x86_64",
                        accelerator: nil, modelMemory: .max)))
            ledger.note(.health(3))
            ledger.note(
                .rates(
                    RateRecord(
                        node: NodeID("studio00"), tier: "plan",
                        speed: TierSpeed(loadSeconds: 12.5, decodeRate: .nan), updated: 60)))
            ledger.note(
                .placement(
                    PlacementRecord(
                        time: 0.5, request: "r1", client: "alice\n", asked: "auto", tier: "plan",
                        node: NodeID("studio00"), name: "studio", reason: "plan-signal", attempt: 2, promptTokens: 900,
                        predictedFirstToken: 1.5, queue: 0, load: .infinity, observedFirstToken: 2, status: 200,
                        outcome: .left)))
            let isWritten = await eventually { scratch.count("placements") == 1 }
            #expect(isWritten)
            let row = try scratch.read { try Row.fetchOne($0, sql: "SELECT * FROM nodes") }
            #expect(row?.description.hasPrefix("[id:\"studio00\" cluster:\"cluster0\" name:\"studio[2J\"") == true)
            #expect(row?["places"] == "10.0.0.7:10103 [fd00::7]:1")
            #expect(row?["first_seen"] == "1970-01-01T00:00:00.000Z")
            #expect(row?["last_seen"] == "2025-11-24T16:02:11.250Z")
            #expect(row?["accelerator"] == nil as String?)
            #expect(row?["model_memory_bytes"] == Int64.max)
            let change = try scratch.read { try Row.fetchOne($0, sql: "SELECT * FROM history") }
            #expect(change?["change"] == "up -> suspect")
            #expect(change?["name"] == "studio")
            #expect(change?["evidence"] == "not heard for 3 s")
            let rates = try scratch.read { try Row.fetchOne($0, sql: "SELECT * FROM rates") }
            #expect(rates?["load_seconds"] == 12.5)
            #expect(rates?["decode_tokens_per_second"] == nil as Double?)
            let placed = try scratch.read { try Row.fetchOne($0, sql: "SELECT * FROM placements") }
            #expect(placed?["time"] == "1970-01-01T00:00:00.500Z")
            #expect(placed?["client"] == "alice")
            #expect(placed?["attempt"] == 2)
            #expect(placed?["load_s"] == nil as Double?)
            #expect(placed?["predicted_ttft_s"] == 1.5)
            #expect(placed?["observed_ttft_s"] == 2.0)
            #expect(placed?["outcome"] == "left")
            let mode = try FileManager.default.attributesOfItem(atPath: scratch.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
        let directory = (scratch.path as NSString).deletingLastPathComponent
        let mode = try FileManager.default.attributesOfItem(atPath: directory)[.posixPermissions] as? Int
        #expect(mode == 0o700)
        #expect(scratch.heard.messages == [])
    }

    @Test("A file for everybody's eyes is closed to them")
    func permissions() throws {
        let scratch = try LedgerScratch()
        _ = scratch.ledger()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: scratch.path)
        _ = scratch.ledger()
        let mode = try FileManager.default.attributesOfItem(atPath: scratch.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("Everything noted is in the file when the run ends, and nothing but the file is left")
    func flushed() async throws {
        let scratch = try LedgerScratch()
        var limits = LedgerScratch.limits
        limits.batchInterval = 3600
        limits.batchRows = 100
        try await scratch.running(limits) { ledger in
            for number in 0..<1050 { ledger.note(.placement(number)) }
        }
        #expect(scratch.count("placements") == 1050)
        let order = try scratch.read { try String.fetchAll($0, sql: "SELECT request FROM placements ORDER BY number") }
        #expect(order == (0..<1050).map { "r\($0)" })
        #expect(scratch.heard.messages == [])
    }

    @Test("A router that starts again knows the nodes and their speed")
    func restart() async throws {
        let scratch = try LedgerScratch()
        try await scratch.running { ledger in
            ledger.note(.node("studio00", ["10.0.0.7", "fe80::7%eth0"], seen: 100))
            ledger.note(.rates("studio00", "plan", decode: 30))
            ledger.note(.rates("studio00", "plan", decode: 40))
            #expect(ledger.memory.speed(of: NodeID("studio00"), "plan")?.decodeRate == 40)
        }
        try await scratch.running { ledger in
            let memory = ledger.memory
            #expect(memory.nodes.values.map(LedgerEntry.node) == [.node("studio00", ["10.0.0.7"], seen: 100)])
            #expect(memory.speed(of: NodeID("studio00"), "plan") == TierSpeed(decodeRate: 40))
            #expect(memory.speed(of: NodeID("studio00"), "code-smart") == nil)
            ledger.note(.node("studio00", ["fe80::7%eth0"], seen: 200))
        }
        let node = scratch.ledger().memory.nodes[NodeID("studio00")]
        #expect(node?.places == [Place(host: "10.0.0.7", port: 10103)])
        #expect(node?.firstSeen == 100)
        #expect(node?.lastSeen == 200)
    }

    @Test("A speed that knows less than the one before takes nothing away from it, in memory and in the file")
    func lessIsKnown() async throws {
        let scratch = try LedgerScratch()
        let whole = TierSpeed(
            loadSeconds: 20, prefillRate: 900, decodeRate: 30, cacheRatio: 0.5,
            prefillCurve: PrefillCurve(base: 0.001, growth: 0.00001))
        let less = TierSpeed(decodeRate: 40)
        func noted(_ speed: TierSpeed, at time: Double) -> LedgerEntry {
            .rates(RateRecord(node: NodeID("studio00"), tier: "plan", speed: speed, updated: time))
        }
        var merged = whole
        merged.decodeRate = 40
        try await scratch.running { ledger in
            ledger.note(noted(whole, at: 1_764_000_000))
            let isWritten = await eventually { scratch.count("rates") == 1 }
            #expect(isWritten)
            ledger.note(noted(less, at: 1_764_000_001))
            #expect(ledger.memory.speed(of: NodeID("studio00"), "plan") == merged)
        }
        // Another program's row, as an older llmstack would write it, is kept as well.
        try scratch.write("UPDATE rates SET cache_ratio = 0.25")
        try await scratch.running { ledger in
            ledger.note(noted(TierSpeed(loadSeconds: 21), at: 1_764_000_002))
        }
        (merged.loadSeconds, merged.cacheRatio) = (21, 0.25)
        #expect(scratch.ledger().memory.speed(of: NodeID("studio00"), "plan") == merged)
    }

    @Test("What replies have taught is kept beside the speed, whichever comes first")
    func lessons() async throws {
        let scratch = try LedgerScratch()
        func noted(_ lessons: TierLessons, at time: Double) -> LedgerEntry {
            .rates(RateRecord(node: NodeID("studio00"), tier: "plan", lessons: lessons, updated: time))
        }
        try await scratch.running { ledger in
            ledger.note(noted(TierLessons(tokenRatio: 1.25), at: 1_764_000_000))
            ledger.note(.rates("studio00", "plan", decode: 30))
            let isWritten = await eventually { scratch.count("rates") == 1 }
            #expect(isWritten)
            ledger.note(noted(TierLessons(overhead: 0.03), at: 1_764_000_001))
        }
        let record = scratch.ledger().memory.rates.values.first
        #expect(record?.lessons == TierLessons(tokenRatio: 1.25, overhead: 0.03))
        #expect(record?.speed == TierSpeed(decodeRate: 30))
        // Somebody may have edited it.
        try scratch.write("UPDATE rates SET token_ratio = -3, overhead_seconds = 'soon'")
        #expect(scratch.ledger().memory.rates.values.first?.lessons == TierLessons(tokenRatio: 0.25))
    }

    @Test("A row that the file will not have costs no other row")
    func oneBadRow() async throws {
        let scratch = try LedgerScratch()
        try await scratch.running { _ in }
        try scratch.write(
            """
            CREATE TRIGGER picky BEFORE INSERT ON placements WHEN NEW.request = 'r7'
            BEGIN SELECT RAISE(ABORT, 'not this one'); END
            """)
        try await scratch.running { ledger in
            for number in 0..<20 { ledger.note(.placement(number)) }
            ledger.note(.health(1))
            ledger.note(.rates("studio00", "plan", decode: 30))
            let isWritten = await eventually { scratch.count("placements") == 19 && scratch.count("health") == 1 }
            #expect(isWritten)
            #expect(scratch.count("rates") == 1)
            // And again at the next batch: it is said once.
            ledger.note(.placement(7))
            ledger.note(.placement(21))
            let isNext = await eventually { scratch.count("placements") == 20 }
            #expect(isNext)
        }
        #expect(scratch.heard.count("not this one") == 1)
        #expect(scratch.heard.messages.count == 1)
    }

    @Test("What somebody has edited into nonsense is passed by")
    func edited() async throws {
        let scratch = try LedgerScratch()
        try await scratch.running { ledger in
            for id in ["studio00", "edited00"] { ledger.note(.node(id)) }
            for tier in ["plan", "code"] { ledger.note(.rates("studio00", tier, decode: 30)) }
            for number in 0..<2 { ledger.note(.health(number)) }
        }
        try scratch.write(
            """
            UPDATE nodes SET name = x'00ff', places = 'here : 1:2:3 [::1]:7 10.0.0.1:99999 x', accelerator = 5
                WHERE id = 'studio00';
            UPDATE nodes SET last_seen = 'yesterday' WHERE id = 'edited00';
            UPDATE rates SET decode_tokens_per_second = 'fast', prefill_tokens_per_second = 9e999 WHERE tier = 'plan';
            UPDATE rates SET decode_tokens_per_second = 7 WHERE tier = 'code';
            UPDATE health SET time = 12 WHERE number = 1;
            UPDATE health SET evidence = x'ff' WHERE number = 2;
            """)
        let memory = scratch.ledger().memory
        #expect(memory.nodes.values.map(\.places) == [[Place(host: "::1", port: 7)]])
        #expect(memory.speed(of: NodeID("studio00"), "plan") == TierSpeed())
        #expect(memory.speed(of: NodeID("studio00"), "code") == TierSpeed(decodeRate: 7))
        #expect(try Ledger.history(path: scratch.path, limit: 9).map(\.evidence) == [""])
    }

    @Test("What is too old or too much is deleted in portions, at start and then now and again")
    func retention() async throws {
        let scratch = try LedgerScratch()
        let now = Date().timeIntervalSince1970
        try await scratch.running { ledger in
            for number in 0..<300 {
                ledger.note(.health(number, at: now - 91 * 86400))
                ledger.note(.placement(number, at: now - 3600))
            }
            for number in 0..<40 { ledger.note(.health(number, at: now - 89 * 86400)) }
            ledger.note(.node("gone0000", seen: now - 91 * 86400))
            ledger.note(.node("here0000", seen: now - 89 * 86400))
            ledger.note(.rates("gone0000", "plan", decode: 1, at: now - 91 * 86400))
        }
        var limits = LedgerScratch.limits
        limits.keptAge = LedgerPolicy.Limits().keptAge
        limits.keptRows = 50
        limits.trimRows = 7
        limits.trimInterval = 0.05
        try await scratch.running(limits) { ledger in
            let isTrimmed = await eventually { scratch.count("health") == 40 && scratch.count("placements") == 50 }
            #expect(isTrimmed)
            #expect(try scratch.read { try String.fetchAll($0, sql: "SELECT id FROM nodes") } == ["here0000"])
            #expect(scratch.count("rates") == 0)
            let oldest = try scratch.read {
                try String.fetchOne($0, sql: "SELECT request FROM placements ORDER BY number")
            }
            #expect(oldest == "r250")
            for number in 300..<320 { ledger.note(.placement(number, at: now)) }
            let isTrimmedAgain = await eventually {
                let numbers = try? scratch.read { db in
                    try String.fetchAll(db, sql: "SELECT request FROM placements ORDER BY number")
                }
                return numbers == (270..<320).map { "r\($0)" }
            }
            #expect(isTrimmedAgain)
        }
        #expect(scratch.heard.messages == [])
    }

    @Test("The history is the newest changes, the last one last, while the router runs and after it")
    func history() async throws {
        let scratch = try LedgerScratch()
        #expect(throws: Ledger.Unreadable.missing) { _ = try Ledger.history(path: scratch.path, limit: 5) }
        func seconds() throws -> [Double] {
            try Ledger.history(path: scratch.path, limit: 3).map { $0.time - 1_764_000_000 }
        }
        try await scratch.running { ledger in
            for number in [5, 1, 4, 2, 3] { ledger.note(.health(number)) }
            let isWritten = await eventually { scratch.count("health") == 5 }
            #expect(isWritten)
            let beside = try seconds()
            #expect(beside == [3, 4, 5])
        }
        #expect(try seconds() == [3, 4, 5])
        let last = try Ledger.history(path: scratch.path, limit: 1)
        #expect(last.map(LedgerEntry.health) == [.health(5)])
    }

    @Test("Many threads note at once, and every row is there")
    func threads() async throws {
        let scratch = try LedgerScratch()
        try await scratch.running { ledger in
            await withTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for number in 0..<500 { ledger.note(.placement(worker * 500 + number)) }
                    }
                }
            }
        }
        let distinct = try scratch.read { try Int.fetchOne($0, sql: "SELECT count(DISTINCT request) FROM placements") }
        #expect(distinct == 4000)
        #expect(scratch.count("placements") == 4000)
    }
}
