import Foundation
import GRDB

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// The file of the ledger, open: one connection, with a log written ahead.
struct LedgerFile: Sendable {
    let queue: DatabaseQueue
    /// Whether it had nothing in it.
    let isNew: Bool
    /// What was in it.
    let memory: LedgerMemory
    private let path: String
    private let identity: Identity?

    private struct Identity: Equatable {
        var device: UInt64
        var inode: UInt64

        /// nil where there is no such file.
        init?(_ path: String) {
            var facts = stat()
            guard stat(path, &facts) == 0 else { return nil }
            device = UInt64(truncatingIfNeeded: facts.st_dev)
            inode = UInt64(truncatingIfNeeded: facts.st_ino)
        }
    }

    /// Opens the file, or makes it: for this user's eyes only.
    ///
    /// - Throws: what is wrong with it. A file that a newer llmstack wrote has not been changed then.
    init(_ path: String) throws(LedgerPolicy.Fault) {
        self.path = path
        try Self.prepare(path)
        do {
            queue = try DatabaseQueue(path: path, configuration: Self.configuration)
            isNew = try queue.writeWithoutTransaction { db in
                let migrator = LedgerSchema.migrator
                if try migrator.hasBeenSuperseded(db) { throw LedgerPolicy.Fault.newer }
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                // A crash of the host may cost the last rows, and never the file.
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
                try db.execute(sql: "PRAGMA journal_size_limit = \(4 << 20)")
                // KiB of pages that are kept. Rows are added at the end, and that is all that happens often: SQLite's own
                // 2,000 would fill within minutes, and be of no use.
                try db.execute(sql: "PRAGMA cache_size = -256")
                return try migrator.appliedIdentifiers(db).isEmpty
            }
            try LedgerSchema.migrator.migrate(queue)
            memory = try queue.read(LedgerSchema.memory)
        } catch {
            throw LedgerPolicy.Fault(error)
        }
        identity = Identity(path)
    }

    /// The part of opening that people reading the file share.
    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "llmstack.ledger"
        configuration.qos = .utility
        // For whoever has it open in a shell.
        configuration.busyMode = .timeout(1)
        return configuration
    }

    /// Whether another file, or none, is where this one was.
    var isMoved: Bool { Identity(path) != identity }

    /// SQLite would make it for everybody's eyes. What it adds beside it gets the same permissions.
    private static func prepare(_ path: String) throws(LedgerPolicy.Fault) {
        let directory = (path as NSString).deletingLastPathComponent
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw .unavailable("there is no directory \(directory) (\(error.localizedDescription))")
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            close(descriptor)
            return
        }
        guard errno == EEXIST else { throw errno == ENOSPC ? .full : .unavailable(String(cString: strerror(errno))) }
        // Not by opening it: to close a file of SQLite's gives up the process's locks of it (sqlite.org/howtocorrupt).
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw .unavailable("what is there is no file")
        }
        chmod(path, 0o600)
        guard access(path, R_OK | W_OK) == 0 else { throw .unavailable(String(cString: strerror(errno))) }
    }

    // MARK: Damage

    /// Reads it all.
    ///
    /// - Throws: ``LedgerPolicy/Fault/damaged(_:)``, or what hindered it.
    static func check(_ db: Database) throws {
        let verdict = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? ""
        if verdict != "ok" { throw LedgerPolicy.Fault.damaged(verdict) }
    }

    /// Gives a damaged file another name, and what SQLite keeps beside it; of those that were set aside before, the newest
    /// stay.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Returns: its name now.
    static func setAside(_ path: String, keeping limit: Int, now: Double) throws(LedgerPolicy.Fault) -> String {
        let mark = ".broken-"
        var time = now
        func name() -> String {
            path + mark + LedgerTime.text(time).prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
        }
        while FileManager.default.fileExists(atPath: name()) { time += 1 }
        let name = name()
        guard rename(path, name) == 0 else { throw .unavailable(String(cString: strerror(errno))) }
        for suffix in ["-wal", "-shm"] {
            // A log that stayed would be taken for the new file's.
            if rename(path + suffix, name + suffix) != 0, errno != ENOENT { unlink(path + suffix) }
        }
        let directory = (path as NSString).deletingLastPathComponent
        let prefix = (path as NSString).lastPathComponent + mark
        let others = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).filter {
            $0.hasPrefix(prefix) && $0.hasSuffix("Z") && $0 != (name as NSString).lastPathComponent
        }
        for old in others.sorted().dropLast(max(0, limit - 1)) {
            for suffix in ["", "-wal", "-shm"] { unlink("\(directory)/\(old)\(suffix)") }
        }
        return name
    }
}

extension LedgerPolicy.Fault {
    /// What SQLite says (https://www.sqlite.org/rescode.html).
    init(_ error: any Error) {
        if let fault = error as? LedgerPolicy.Fault {
            self = fault
            return
        }
        guard let error = error as? DatabaseError else {
            self = .unavailable("\(error)")
            return
        }
        let reason = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_FULL: self = .full
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(reason)
        case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG, .SQLITE_RANGE: self = .unwritable(reason)
        default: self = .unavailable(reason)
        }
    }
}
