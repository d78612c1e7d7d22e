import Cluster
import Coordinator
import Foundation
import GRDB
import RouterHarness
import Testing

/// The ledger with a file that is damaged, full, out of reach, or a newer llmstack's: the real ones.
struct LedgerFaultTests {
    /// Makes a ledger's file with something in it.
    private static func fill(_ scratch: LedgerScratch) async throws {
        try await scratch.running { ledger in
            ledger.note(.node("studio00"))
            for number in 0..<2000 { ledger.note(.placement(number)) }
        }
    }

    enum Damage: CaseIterable {
        case zeros, garbage, text, truncated, cut, pageGone, headerGone
    }

    private static func damage(_ path: String, _ damage: Damage) throws {
        let file = URL(fileURLWithPath: path)
        var bytes = try Data(contentsOf: file)
        switch damage {
        case .zeros: bytes = Data(count: bytes.count)
        case .garbage: bytes = Data((0..<bytes.count).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) })
        case .text: bytes = Data("no database\n".utf8)
        case .truncated: bytes = bytes.prefix(bytes.count / 2)
        case .cut: bytes = bytes.prefix(5000)
        case .pageGone:
            // In the middle of the placements: nothing that is read at start.
            bytes.replaceSubrange(bytes.count / 2..<bytes.count / 2 + 4096, with: Data(repeating: 0xA5, count: 4096))
        case .headerGone: bytes.replaceSubrange(0..<100, with: Data(repeating: 0, count: 100))
        }
        try bytes.write(to: file)
    }

    @Test("A damaged file is set aside under another name and a new one is begun", arguments: Damage.allCases)
    func damaged(_ damage: Damage) async throws {
        let scratch = try LedgerScratch()
        try await Self.fill(scratch)
        try Self.damage(scratch.path, damage)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: scratch.path))
        try await scratch.running { ledger in
            ledger.note(.health(1))
            ledger.note(.node("other000"))
            let isWritten = await eventually { scratch.count("health") == 1 && scratch.count("placements") == 0 }
            #expect(isWritten)
            #expect(scratch.broken.count == 1)
            #expect(scratch.heard.count("was damaged") == 1)
            #expect(scratch.heard.messages.count == 1)
            let isKnown = await eventually { scratch.count("nodes") == ledger.memory.nodes.count }
            #expect(isKnown)
        }
        let kept = "\(scratch.directory)/state/\(scratch.broken.first ?? "")"
        #expect(try Data(contentsOf: URL(fileURLWithPath: kept)) == bytes)
        #expect(try scratch.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    }

    @Test("A file that is damaged under the router is begun anew with what is in memory, and nothing noted is lost")
    func damagedWhileRunning() async throws {
        let scratch = try LedgerScratch()
        try await scratch.running { ledger in
            ledger.note(.node("studio00"))
            ledger.note(.rates("studio00", "plan", decode: 30))
            for number in 0..<2000 { ledger.note(.placement(number)) }
            let isWritten = await eventually { scratch.count("placements") == 2000 }
            #expect(isWritten)
            // What SQLite has in memory of the file must go, too.
            try scratch.write("PRAGMA wal_checkpoint(TRUNCATE)")
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: scratch.path))
            let size = try handle.seekToEnd()
            try handle.seek(toOffset: 0)
            try handle.write(contentsOf: Data(repeating: 0xA5, count: Int(size)))
            try handle.close()
            try FileManager.default.removeItem(atPath: scratch.path + "-wal")
            for number in 0..<500 { ledger.note(.health(number)) }
            let isAnew = await eventually { scratch.count("health") == 500 }
            #expect(isAnew, "\(scratch.heard.messages)")
            #expect(scratch.count("nodes") == 1 && scratch.count("rates") == 1)
        }
    }

    @Test("Three damaged files are kept, the newest")
    func broken() async throws {
        let scratch = try LedgerScratch()
        for round in 0..<5 {
            _ = scratch.ledger()
            try Data("round \(round)".utf8).write(to: URL(fileURLWithPath: scratch.path))
            try Data("wal".utf8).write(to: URL(fileURLWithPath: scratch.path + "-wal"))
            _ = scratch.ledger()
        }
        let contents = scratch.broken.map {
            (try? String(contentsOfFile: "\(scratch.directory)/state/\($0)", encoding: .utf8)) ?? ""
        }
        #expect(contents.sorted() == ["round 2", "round 3", "round 4"])
        #expect(scratch.files.count { $0.hasPrefix("state.db.broken-") && $0.hasSuffix("-wal") } <= 3)
    }

    @Test("A newer llmstack's file is left as it is, and said so once; the router remembers without it")
    func newer() async throws {
        let scratch = try LedgerScratch()
        try await Self.fill(scratch)
        try scratch.write("INSERT INTO grdb_migrations VALUES ('of a later version'); PRAGMA wal_checkpoint(TRUNCATE)")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: scratch.path))
        try await scratch.running { ledger in
            for number in 0..<100 { ledger.note(.health(number)) }
            ledger.note(.node("other000"))
            let isSaid = await eventually { scratch.heard.count("a newer llmstack wrote it") == 1 }
            #expect(isSaid)
            #expect(ledger.memory.nodes.keys.map(\.description) == ["other000"])
        }
        #expect(scratch.heard.messages.count == 1)
        #expect(scratch.broken == [])
        #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path)) == bytes)
    }

    @Test(
        "Without a place for the file the router remembers in memory, says so once, and writes it all when there is one"
    )
    func outOfReach() async throws {
        let scratch = try LedgerScratch()
        // Root may write into any directory, so something stands in the file's place.
        try FileManager.default.createDirectory(atPath: scratch.path, withIntermediateDirectories: true)
        try await scratch.running { ledger in
            ledger.note(.node("studio00"))
            for number in 0..<10 { ledger.note(.health(number)) }
            // Some tries go by.
            let start = ContinuousClock.now
            let isSaid = await eventually {
                scratch.heard.count("cannot be used") == 1 && ContinuousClock.now - start > .milliseconds(400)
            }
            #expect(isSaid)
            #expect(ledger.memory.nodes.count == 1)
            #expect(scratch.heard.messages.count == 1)
            try FileManager.default.removeItem(atPath: scratch.path)
            let isWritten = await eventually { scratch.count("health") == 10 && scratch.count("nodes") == 1 }
            #expect(isWritten)
            let isTold = await eventually { scratch.heard.count("is written again: nothing was lost") == 1 }
            #expect(isTold)
        }
        #expect(scratch.heard.messages.count == 2)
    }

    @Test("A directory that cannot be made, or a file that cannot be read, is named", arguments: [true, false])
    func unmakeable(_ isDirectory: Bool) async throws {
        let scratch = try LedgerScratch()
        let state = "\(scratch.directory)/state"
        if isDirectory {
            try Data().write(to: URL(fileURLWithPath: state))
        } else {
            try FileManager.default.createSymbolicLink(atPath: state, withDestinationPath: "/proc/self/nowhere")
        }
        try await scratch.running { ledger in
            ledger.note(.health(1))
            let isSaid = await eventually { scratch.heard.count("there is no directory \(state)") == 1 }
            #expect(isSaid)
        }
        #expect(scratch.heard.count("any more: 1") == 1)
    }

    @Test(
        "A directory that this user may not write into stops nothing",
        .enabled(if: getuid() != 0, "root may write anywhere"))
    func readOnly() async throws {
        let scratch = try LedgerScratch()
        let state = "\(scratch.directory)/state"
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: state)
        try await scratch.running { ledger in
            ledger.note(.health(1))
            let isSaid = await eventually { scratch.heard.count("cannot be used: Permission denied") == 1 }
            #expect(isSaid)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: state)
            let isWritten = await eventually { scratch.count("health") == 1 }
            #expect(isWritten)
        }
    }

    @Test("A full disk is said once; the newest rows wait, and are written when there is space, with what was lost")
    func full() async throws {
        let scratch = try LedgerScratch()
        var limits = LedgerScratch.limits
        limits.waitingRows = 1000
        limits.batchRows = 100
        try await scratch.running(limits) { ledger in
            ledger.note(.placement(0))
            let isWritten = await eventually { scratch.count("placements") == 1 }
            #expect(isWritten)
            await ledger.limitPages(to: 30)
            // More than the pages hold, less than what may wait: nothing of it is dropped before the disk is full.
            var number = 0
            for _ in 0..<900 {
                number += 1
                ledger.note(.placement(number))
            }
            let isFull = await eventually { scratch.heard.count("there is no space left") == 1 }
            #expect(isFull)
            for _ in 0..<2000 {
                number += 1
                ledger.note(.placement(number))
            }
            ledger.note(.node("studio00"))
            let written = scratch.count("placements")
            #expect(written < number - 1000)
            await ledger.limitPages(to: 1 << 30)
            let isEmptied = await eventually { scratch.count("placements") == written + 1000 }
            #expect(isEmptied)
            let rows = try scratch.read { try String.fetchAll($0, sql: "SELECT request FROM placements") }
            #expect(rows.suffix(1000) == (number - 999...number).map { "r\($0)" }[...])
            #expect(scratch.count("nodes") == 1)
            let lost = number + 1 - written - 1000
            #expect(
                scratch.heard.count("is written again: \(lost) rows of the time between are lost") == 1,
                "\(lost) of \(number), \(scratch.heard.messages)")
        }
        #expect(scratch.heard.messages.count == 2, "\(scratch.heard.messages)")
    }

    @Test("A file that is deleted under the router is begun anew, with what is in memory")
    func deleted() async throws {
        let scratch = try LedgerScratch()
        try await scratch.running { ledger in
            ledger.note(.node("studio00"))
            let isWritten = await eventually { scratch.count("nodes") == 1 }
            #expect(isWritten)
            for name in scratch.files {
                try FileManager.default.removeItem(atPath: "\(scratch.directory)/state/\(name)")
            }
            ledger.note(.health(1))
            let isAnew = await eventually { scratch.count("health") == 1 && scratch.count("nodes") == 1 }
            #expect(isAnew)
        }
        #expect(scratch.heard.messages.count == 1)
        #expect(scratch.heard.count("moved or deleted") == 1)
    }

    @Test("Somebody who holds the file locked in a shell delays the writing, and nothing more")
    func locked() async throws {
        let scratch = try LedgerScratch()
        _ = scratch.ledger()
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: scratch.path, configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        try await scratch.running { ledger in
            ledger.note(.health(1))
            let isSaid = await eventually { scratch.heard.count("database is locked") == 1 }
            #expect(isSaid)
            try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
            let isWritten = await eventually { scratch.count("health") == 1 }
            #expect(isWritten)
        }
    }

    @Test("Whenever the router is killed, its file is sound and begins where the writing began")
    func killed() async throws {
        let scratch = try LedgerScratch()
        var limits = LedgerScratch.limits
        limits.batchInterval = 0.001
        limits.batchRows = 50
        try await scratch.running(limits) { ledger in
            var number = 0
            for copy in 0..<20 {
                for _ in 0..<500 {
                    ledger.note(.placement(number))
                    number += 1
                }
                // What a killed process leaves: the log first, for what is in there may go into the file meanwhile.
                let place = "\(scratch.directory)/copy\(copy)"
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                let frozen = try scratch.read { db in
                    // Nothing is moved from the log into the file while somebody reads.
                    _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM placements")
                    for suffix in ["", "-wal"] {
                        try FileManager.default.copyItem(
                            atPath: scratch.path + suffix, toPath: "\(place)/state.db\(suffix)")
                    }
                    return place
                }
                let queue = try DatabaseQueue(path: "\(frozen)/state.db")
                let (verdict, rows) = try await queue.read { db in
                    (
                        try String.fetchOne(db, sql: "PRAGMA integrity_check"),
                        try String.fetchAll(db, sql: "SELECT request FROM placements ORDER BY number")
                    )
                }
                #expect(verdict == "ok")
                #expect(rows == (0..<rows.count).map { "r\($0)" })
            }
        }
    }
}
