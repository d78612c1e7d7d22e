import Cluster
import Coordinator
import Foundation

/// Who is let in to a cluster, for people and for programs.
struct AccessTable {
    private let entries: [AccessEntry]
    private let own: NodeID
    private let uses: [String: ActorUse]

    init(_ entries: [AccessEntry], own: NodeID, uses: [String: ActorUse]) {
        self.entries = entries
        self.own = own
        self.uses = uses
    }

    func text(now: Double) -> String {
        var rows = [["NAME", "ROLE", "ID", "REQUESTS", "TOKENS", "REFUSED", "LAST", "LIMITS"]]
        for entry in entries {
            let use = uses[entry.id]
            let limits =
                entry.kind == .client ? "\(entry.limits.inFlight) at a time, \(entry.limits.perMinute) a minute" : ""
            let state = entry.revoked == nil ? limits : "revoked"
            rows.append([
                entry.name + (entry.id == own.description ? " *" : ""), entry.kind.rawValue, entry.id,
                use.map { "\($0.requests)" } ?? "-", use.map { "\($0.tokens)" } ?? "-",
                use.map { "\($0.refused)" } ?? "-", use.map { Self.age(now - $0.last) } ?? "never", state,
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row -> String in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                .trimmingCharacters(in: .whitespaces)
        }.joined(separator: "\n")
    }

    private static func age(_ seconds: Double) -> String {
        switch seconds {
        case ..<60: "\(max(0, Int(seconds))) s ago"
        case ..<3600: "\(Int(seconds / 60)) min ago"
        case ..<86400: "\(Int(seconds / 3600)) h ago"
        default: "\(Int(seconds / 86400)) d ago"
        }
    }

    private struct Line: Encodable {
        var name, role, id: String
        var isOwn: Bool
        var added: String
        var revoked: String?
        var inFlight, perMinute: Int?
        var requests, tokens, refused: Int
        var last, address: String?

        private enum CodingKeys: String, CodingKey {
            case name, role, id, added, revoked, requests, tokens, refused, last, address
            case isOwn = "self"
            case inFlight = "in_flight"
            case perMinute = "per_minute"
        }
    }

    func json() throws -> String {
        let lines = entries.map { entry in
            let use = uses[entry.id]
            let isClient = entry.kind == .client
            return Line(
                name: entry.name, role: entry.kind.rawValue, id: entry.id, isOwn: entry.id == own.description,
                added: LedgerTime.text(entry.added), revoked: entry.revoked.map(LedgerTime.text),
                inFlight: isClient ? entry.limits.inFlight : nil, perMinute: isClient ? entry.limits.perMinute : nil,
                requests: use?.requests ?? 0, tokens: use?.tokens ?? 0, refused: use?.refused ?? 0,
                last: use.map { LedgerTime.text($0.last) }, address: use?.address)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(["keys": lines]), as: UTF8.self)
    }
}
