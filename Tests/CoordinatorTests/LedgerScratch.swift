import Cluster
import Coordinator
import Foundation
import GRDB
import Logging
import RouterHarness
import Synchronization

/// A directory for a ledger's file, and what the ledger says.
final class LedgerScratch: Sendable {
    let directory: String
    let heard = Heard()

    /// Under the path of `directory`.
    var path: String { "\(directory)/state/state.db" }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Soon enough for a test; and what happened long ago in one is kept.
    static var limits: LedgerPolicy.Limits {
        var limits = LedgerPolicy.Limits()
        limits.keptAge = 200 * 365 * 86400
        limits.batchInterval = 0.005
        limits.retryInterval = 0.1
        limits.trimPause = 0.001
        return limits
    }

    func ledger(_ limits: LedgerPolicy.Limits = limits) -> Ledger {
        Ledger(path: path, limits: limits, log: Logger(label: "test") { _ in heard })
    }

    /// Runs a ledger around the body.
    func running(
        _ limits: LedgerPolicy.Limits = limits, _ body: (Ledger) async throws -> Void
    ) async throws {
        let ledger = ledger(limits)
        let run = Task { await ledger.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body(ledger)) } catch { result = .failure(error) }
        run.cancel()
        await run.value
        try result.get()
    }

    // MARK: Looking into the file

    /// As another program reads it.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        return try DatabaseQueue(path: path, configuration: configuration).read(body)
    }

    func count(_ table: String) -> Int {
        (try? read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") }) ?? nil ?? -1
    }

    func write(_ sql: String) throws {
        try DatabaseQueue(path: path).writeWithoutTransaction { try $0.execute(sql: sql) }
    }

    /// What lies in the directory.
    var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/state")) ?? []).sorted()
    }

    var broken: [String] { files.filter { $0.hasPrefix("state.db.broken-") && $0.hasSuffix("Z") } }
}

/// Keeps what is logged.
final class Heard: LogHandler, Sendable {
    private let kept = Mutex<[String]>([])

    var messages: [String] { kept.withLock { $0 } }
    func count(_ piece: String) -> Int { messages.count { $0.contains(piece) } }

    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) { kept.withLock { $0.append("\(event.message)") } }
}

// MARK: Examples

extension LedgerEntry {
    static func health(_ number: Int, at time: Double = 1_764_000_000) -> LedgerEntry {
        .health(
            HealthRecord(
                time: time + Double(number), node: NodeID("studio00"), name: "studio", from: "up", to: "suspect",
                evidence: "not heard for \(number) s"))
    }

    static func placement(_ number: Int, at time: Double = 1_764_000_000) -> LedgerEntry {
        .placement(
            PlacementRecord(
                time: time + Double(number), request: "r\(number)", asked: "auto", tier: "plan",
                node: NodeID("studio00"), name: "studio", outcome: .served))
    }

    static func node(
        _ id: String, cluster: String = "cluster0", _ hosts: [String] = ["10.0.0.1"], seen: Double = 1_764_000_000
    ) -> LedgerEntry {
        .node(
            NodeRecord(
                id: NodeID(id), cluster: ClusterID(cluster), name: id,
                places: hosts.map { Place(host: $0, port: 10103) }, lastSeen: seen, version: "1", platform: "linux",
                modelMemory: 5))
    }

    static func rates(_ node: String, _ tier: String, decode: Double, at time: Double = 1_764_000_000) -> LedgerEntry {
        .rates(
            RateRecord(node: NodeID(node), tier: tier, speed: TierSpeed(decodeRate: decode), updated: time))
    }
}
