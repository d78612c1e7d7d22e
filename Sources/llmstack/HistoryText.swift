import Cluster
import Coordinator
import Foundation
import Node

/// How the nodes of a cluster came and went, as this host's router wrote it down.
struct HistoryText {
    private let records: [HealthRecord]

    /// - Parameter path: of the ledger.
    /// - Throws: ``StackFailure`` where there is none, or it cannot be read.
    init(path: String, limit: Int) throws {
        do {
            records = try Ledger.history(path: path, limit: limit)
        } catch .missing {
            throw StackFailure(
                "nothing has been written down yet: there is no \(path)",
                advice: "next: llmstack start on a host in a cluster (llmstack cluster init or join)")
        } catch .unusable(let reason) {
            throw StackFailure(
                "\(path) cannot be read: \(reason)",
                advice:
                    "next: llmstack start; the router sets a damaged file aside, and its log says what else is wrong")
        }
    }

    func text(asJSON: Bool) throws -> String {
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(["history": records.map(Line.init)]), as: UTF8.self)
        }
        if records.isEmpty { return "no node has come or gone yet" }
        let names = records.map(\.name.count).max() ?? 0
        let changes = records.map { "\($0.from) -> \($0.to)" }
        let width = changes.map(\.count).max() ?? 0
        return zip(records, changes).map { record, change in
            [Self.local(record.time), pad(record.name, names), pad(change, width), record.evidence].joined(
                separator: "  ")
        }.joined(separator: "\n")
    }

    private struct Line: Encodable {
        var time, node, name, from, to, evidence: String

        init(_ record: HealthRecord) {
            time = LedgerTime.text(record.time)
            node = record.node.description
            name = record.name
            from = record.from
            to = record.to
            evidence = record.evidence
        }
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// In this host's time zone: `2026-11-24 14:02:11`.
    private static func local(_ seconds: Double) -> String {
        var time = time_t(seconds.rounded(.down))
        var parts = tm()
        localtime_r(&time, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
