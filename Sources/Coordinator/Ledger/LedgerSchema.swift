import Cluster
import GRDB
import Wire

/// The tables, for people with the sqlite3 shell too: `.schema` shows the comments.
enum LedgerSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1") { try $0.execute(sql: first) }
        migrator.registerMigration("v2") { try $0.execute(sql: second) }
        migrator.registerMigration("v3") { try $0.execute(sql: third) }
        return migrator
    }

    /// The tables that grow, with a row for each event.
    static let logs = ["health", "placements", "audit"]

    private static let first = """
        CREATE TABLE nodes (
            id TEXT PRIMARY KEY NOT NULL,
            cluster TEXT NOT NULL, -- the cluster's id
            name TEXT NOT NULL,
            places TEXT NOT NULL, -- HOST:PORT of each, the one that answered last first, parted by spaces
            first_seen TEXT NOT NULL, -- all times: UTC
            last_seen TEXT NOT NULL,
            version TEXT NOT NULL,
            platform TEXT NOT NULL,
            accelerator TEXT,
            model_memory_bytes INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE health (
            number INTEGER PRIMARY KEY,
            time TEXT NOT NULL,
            node TEXT NOT NULL,
            name TEXT NOT NULL,
            from_state TEXT NOT NULL,
            to_state TEXT NOT NULL,
            evidence TEXT NOT NULL
        );
        CREATE INDEX health_by_time ON health (time);
        CREATE TABLE rates (
            node TEXT NOT NULL,
            tier TEXT NOT NULL,
            load_seconds REAL,
            prefill_tokens_per_second REAL, -- of tokens that the cache did not have
            decode_tokens_per_second REAL, -- of one request
            cache_ratio REAL, -- prompt tokens that the cache had, of all
            prefill_token_seconds REAL, -- of a token at the start of a prompt
            prefill_position_seconds REAL, -- what each token before it adds
            updated TEXT NOT NULL,
            PRIMARY KEY (node, tier)
        ) WITHOUT ROWID;
        CREATE TABLE placements (
            number INTEGER PRIMARY KEY,
            time TEXT NOT NULL, -- when it was placed
            request TEXT NOT NULL, -- the attempts of one request share it
            client TEXT NOT NULL,
            asked TEXT NOT NULL, -- auto, or the model asked for
            tier TEXT NOT NULL,
            node TEXT NOT NULL,
            name TEXT NOT NULL,
            reason TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            prompt_tokens INTEGER NOT NULL, -- an estimate
            predicted_ttft_s REAL, -- time to first token, and the terms of the cost
            queue_s REAL,
            load_s REAL,
            prefill_s REAL,
            decode_s REAL,
            network_s REAL,
            observed_ttft_s REAL,
            total_s REAL,
            status INTEGER NOT NULL, -- of HTTP; 0 where there was none
            outcome TEXT NOT NULL -- served, refused, failed, left, moved
        );
        CREATE INDEX placements_by_time ON placements (time);
        CREATE VIEW history AS
            SELECT time, name, from_state || ' -> ' || to_state AS change, evidence FROM health ORDER BY time;
        """

    private static let second = """
        CREATE TABLE audit (
            number INTEGER PRIMARY KEY,
            time TEXT NOT NULL,
            actor TEXT NOT NULL, -- a client key's eight characters, or a node's id; empty for a stranger
            name TEXT NOT NULL,
            address TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL, -- the tier that served, or whom a change is about
            node TEXT NOT NULL, -- that served
            status INTEGER NOT NULL, -- of HTTP
            tokens INTEGER, -- of prompt and answer; NULL where the engine did not tell
            ms INTEGER NOT NULL
        );
        CREATE INDEX audit_by_time ON audit (time);
        """

    private static let third = """
        -- of what the engine counted, over what was estimated; and seconds to the first token that nothing else explains
        ALTER TABLE rates ADD COLUMN token_ratio REAL;
        ALTER TABLE rates ADD COLUMN overhead_seconds REAL;
        """

    // MARK: Writing

    /// Writes all of it that SQLite will have.
    ///
    /// - Returns: why it would not have the first of the others; nil where there were none.
    static func write(_ batch: LedgerBuffer.Batch, _ db: Database) throws -> LedgerPolicy.Fault? {
        var refusal: LedgerPolicy.Fault?
        /// A statement that fails for its row undoes itself alone; the transaction goes on.
        func attempt(_ body: () throws -> Void) throws {
            do { try body() } catch {
                let fault = LedgerPolicy.Fault(error)
                guard case .unwritable = fault, db.isInsideTransaction else { throw error }
                refusal = refusal ?? fault
            }
        }
        try db.inTransaction(.immediate) {
            for record in batch.nodes { try attempt { try write(record, db) } }
            for record in batch.rates { try attempt { try write(record, db) } }
            for row in batch.rows {
                try attempt {
                    switch row {
                    case .health(let record): try write(record, db)
                    case .placement(let record): try write(record, db)
                    case .audit(let record): try write(record, db)
                    case .node(let record): try write(record, db)
                    case .rates(let record): try write(record, db)
                    }
                }
            }
            return .commit
        }
        return refusal
    }

    private static func write(_ record: NodeRecord, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
                    cluster = excluded.cluster, name = excluded.name,
                    places = iif(excluded.places = '', places, excluded.places),
                    first_seen = min(first_seen, excluded.first_seen), last_seen = excluded.last_seen,
                    version = excluded.version, platform = excluded.platform, accelerator = excluded.accelerator,
                    model_memory_bytes = excluded.model_memory_bytes
                """
        ).execute(arguments: [
            text(record.id.description), text(record.cluster.description), text(record.name), places(record.places),
            LedgerTime.text(record.firstSeen), LedgerTime.text(record.lastSeen), text(record.version),
            text(record.platform), record.accelerator.map(text), Int64(clamping: record.modelMemory),
        ])
    }

    private static func write(_ record: RateRecord, _ db: Database) throws {
        // A node that has just started knows nothing of its speed: what it was stays. The curve is one value of two numbers.
        try db.cachedStatement(
            sql: """
                INSERT INTO rates (node, tier, load_seconds, prefill_tokens_per_second, decode_tokens_per_second,
                    cache_ratio, prefill_token_seconds, prefill_position_seconds, token_ratio, overhead_seconds, updated)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (node, tier) DO UPDATE SET
                    load_seconds = coalesce(excluded.load_seconds, load_seconds),
                    prefill_tokens_per_second = coalesce(excluded.prefill_tokens_per_second, prefill_tokens_per_second),
                    decode_tokens_per_second = coalesce(excluded.decode_tokens_per_second, decode_tokens_per_second),
                    cache_ratio = coalesce(excluded.cache_ratio, cache_ratio),
                    prefill_position_seconds = iif(excluded.prefill_token_seconds IS NULL,
                        prefill_position_seconds, excluded.prefill_position_seconds),
                    prefill_token_seconds = coalesce(excluded.prefill_token_seconds, prefill_token_seconds),
                    token_ratio = coalesce(excluded.token_ratio, token_ratio),
                    overhead_seconds = coalesce(excluded.overhead_seconds, overhead_seconds),
                    updated = excluded.updated
                """
        ).execute(arguments: [
            text(record.node.description), text(record.tier), number(record.speed.loadSeconds),
            number(record.speed.prefillRate), number(record.speed.decodeRate), number(record.speed.cacheRatio),
            number(record.speed.prefillCurve?.base), number(record.speed.prefillCurve?.growth),
            number(record.lessons.tokenRatio), number(record.lessons.overhead), LedgerTime.text(record.updated),
        ])
    }

    private static func write(_ record: HealthRecord, _ db: Database) throws {
        try db.cachedStatement(
            sql: "INSERT INTO health (time, node, name, from_state, to_state, evidence) VALUES (?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            LedgerTime.text(record.time), text(record.node.description), text(record.name), text(record.from),
            text(record.to), text(record.evidence),
        ])
    }

    private static func write(_ record: PlacementRecord, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO placements (time, request, client, asked, tier, node, name, reason, attempt, prompt_tokens,
                    predicted_ttft_s, queue_s, load_s, prefill_s, decode_s, network_s, observed_ttft_s, total_s, status,
                    outcome)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            LedgerTime.text(record.time), text(record.request), text(record.client), text(record.asked),
            text(record.tier), text(record.node.description), text(record.name), text(record.reason), record.attempt,
            record.promptTokens, number(record.predictedFirstToken), number(record.queue), number(record.load),
            number(record.prefill), number(record.decode), number(record.network), number(record.observedFirstToken),
            number(record.total), record.status, record.outcome.rawValue,
        ])
    }

    private static func write(_ record: AuditRecord, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO audit (time, actor, name, address, action, subject, node, status, tokens, ms)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            LedgerTime.text(record.time), text(record.actor), text(record.name), text(record.address),
            text(record.action), text(record.subject), text(record.node), record.status, record.tokens,
            record.milliseconds,
        ])
    }

    /// Words of requests and of other nodes end up in terminals.
    private static func text(_ text: String) -> String { text.printable() }

    /// SQLite has no number that is none.
    private static func number(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }

    private static func places(_ places: [Place]) -> String {
        places.prefix(16).map { Endpoint(host: $0.host, port: $0.port).authority }.joined(separator: " ")
            .printable(2000)
    }

    // MARK: Reading

    /// What does not look as it was written is left out: somebody may have edited it.
    static func memory(_ db: Database) throws -> LedgerMemory {
        var memory = LedgerMemory()
        let nodes = try Row.fetchCursor(
            db, sql: "SELECT * FROM nodes ORDER BY last_seen DESC LIMIT ?", arguments: [LedgerMemory.nodeLimit])
        while let row = try nodes.next() {
            guard let id = row.text("id"), let cluster = row.text("cluster"), let lastSeen = row.time("last_seen")
            else { continue }
            let places = (row.text("places") ?? "").split(separator: " ").compactMap(HostPort.split)
            memory.add(
                NodeRecord(
                    id: NodeID(id), cluster: ClusterID(cluster), name: row.text("name") ?? "",
                    places: places.compactMap { place in place.port.map { Place(host: place.host, port: $0) } },
                    firstSeen: row.time("first_seen"), lastSeen: lastSeen, version: row.text("version") ?? "",
                    platform: row.text("platform") ?? "", accelerator: row.text("accelerator"),
                    modelMemory: UInt64(clamping: row.whole("model_memory_bytes") ?? 0)))
        }
        let rates = try Row.fetchCursor(
            db, sql: "SELECT * FROM rates ORDER BY updated DESC LIMIT ?", arguments: [LedgerMemory.rateLimit])
        while let row = try rates.next() {
            guard let node = row.text("node"), let tier = row.text("tier"), let updated = row.time("updated")
            else { continue }
            let curve = row.real("prefill_token_seconds").map {
                PrefillCurve(base: $0, growth: row.real("prefill_position_seconds") ?? 0)
            }
            let speed = TierSpeed(
                loadSeconds: row.real("load_seconds"), prefillRate: row.real("prefill_tokens_per_second"),
                decodeRate: row.real("decode_tokens_per_second"), cacheRatio: row.real("cache_ratio"),
                prefillCurve: curve)
            let lessons = TierLessons(tokenRatio: row.real("token_ratio"), overhead: row.real("overhead_seconds"))
            memory.add(
                RateRecord(
                    node: NodeID(node), tier: tier, speed: speed.sanitised, lessons: lessons.sanitised,
                    updated: updated))
        }
        return memory
    }

    /// The newest changes of health, the oldest of them first.
    static func history(_ limit: Int, _ db: Database) throws -> [HealthRecord] {
        let rows = try Row.fetchAll(
            db, sql: "SELECT * FROM health ORDER BY time DESC, number DESC LIMIT ?", arguments: [limit])
        return rows.reversed().compactMap { row in
            guard let time = row.time("time") else { return nil }
            func text(_ column: String) -> String { row.text(column) ?? "" }
            return HealthRecord(
                time: time, node: NodeID(text("node")), name: text("name"), from: text("from_state"),
                to: text("to_state"), evidence: text("evidence"))
        }
    }

    /// Of each actor that the audit knows, whoever came last first.
    static func uses(_ db: Database) throws -> [ActorUse] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT actor, sum(status BETWEEN 200 AND 399) AS requests, coalesce(sum(tokens), 0) AS tokens,
                    sum(status >= 400) AS refused, max(time) AS last, address
                FROM audit WHERE actor <> '' GROUP BY actor ORDER BY last DESC LIMIT ?
                """, arguments: [AccessSet.limit])
        return rows.compactMap { row in
            guard let actor = row.text("actor"), let last = row.time("last") else { return nil }
            func count(_ column: String) -> Int { Int(clamping: row.whole(column) ?? 0) }
            return ActorUse(
                actor: actor, requests: count("requests"), tokens: count("tokens"), refused: count("refused"),
                last: last, address: row.text("address") ?? "")
        }
    }

    // MARK: Retention

    /// Deletes a portion of what is too old or too much.
    ///
    /// - Parameter now: seconds since 1970.
    /// - Returns: whether nothing is left of that.
    static func trim(_ limits: LedgerPolicy.Limits, now: Double, _ db: Database) throws -> Bool {
        let oldest = LedgerTime.text(now - limits.keptAge)
        var room = limits.trimRows
        try db.inTransaction(.immediate) {
            for table in logs where room > 0 {
                try db.execute(
                    sql: """
                        DELETE FROM \(table) WHERE number IN
                            (SELECT number FROM \(table) WHERE time < ? ORDER BY time LIMIT ?)
                        """, arguments: [oldest, room])
                room -= db.changesCount
                // Numbers count up and only the oldest are deleted, so that their difference is how many there are.
                try db.execute(
                    sql: """
                        DELETE FROM \(table) WHERE number IN (SELECT number FROM \(table)
                            WHERE number <= (SELECT max(number) FROM \(table)) - ? ORDER BY number LIMIT ?)
                        """, arguments: [limits.keptRows, max(0, room)])
                room -= db.changesCount
            }
            try db.execute(sql: "DELETE FROM nodes WHERE last_seen < ?", arguments: [oldest])
            try db.execute(sql: "DELETE FROM rates WHERE updated < ?", arguments: [oldest])
            for (table, time, limit) in [
                ("nodes", "last_seen", LedgerMemory.nodeLimit), ("rates", "updated", LedgerMemory.rateLimit),
            ] {
                try db.execute(
                    sql: """
                        DELETE FROM \(table) WHERE \(time) < (SELECT \(time) FROM \(table)
                            ORDER BY \(time) DESC LIMIT 1 OFFSET ?)
                        """, arguments: [limit - 1])
            }
            return .commit
        }
        return room > 0
    }
}

/// Columns as they are; nil for what is of another kind, or missing.
extension Row {
    private func value(_ column: String) -> (any DatabaseValueConvertible)? { self[column] }

    fileprivate func text(_ column: String) -> String? { (value(column) as? String)?.printable(2000) }
    fileprivate func time(_ column: String) -> Double? { (value(column) as? String).flatMap(LedgerTime.seconds) }
    fileprivate func whole(_ column: String) -> Int64? { value(column) as? Int64 }
    fileprivate func real(_ column: String) -> Double? { value(column) as? Double ?? whole(column).map(Double.init) }
}
