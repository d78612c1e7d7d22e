import Coordinator

/// Where a request would go, as a person reads it: the answer, then a line a host with what it would cost.
struct PlacementText {
    private let explanation: PlacementExplanation

    init(_ explanation: PlacementExplanation) { self.explanation = explanation }

    var text: String {
        var lines = [
            "\(explanation.asked) -> \(explanation.tier) on \(explanation.node ?? "no host") (\(explanation.reason))"
        ]
        lines += explanation.rungs.map { "  passed by: \($0.tier), \($0.why ?? "")" }
        // Of auto's refusal the rungs have told all.
        if let refusal = explanation.refusal, explanation.rungs.isEmpty { lines.append("  refused: \(refusal)") }
        lines.append("  estimate: \(explanation.promptTokens) tokens")
        guard !explanation.hosts.isEmpty else { return lines.joined(separator: "\n") }
        lines.append("")
        lines += table
        lines.append("  seconds; total = queue + load + prefill + 0.2 decode + network")
        return lines.joined(separator: "\n")
    }

    private static let titles = [
        "", "host", "state", "in hand", "total", "queue", "load", "prefill", "decode", "network",
    ]

    private var table: [String] {
        let rows = [Self.titles] + explanation.hosts.map(row)
        let widths = Self.titles.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return zip(rows, [nil] + explanation.hosts.map(\.why)).map { row, why in
            let cells = zip(row, widths).enumerated().map { index, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                // Words to the left, numbers to the right.
                return index < 3 ? cell.0 + space : space + cell.0
            }
            return "  " + cells.joined(separator: "  ") + (why.map { "  \($0)" } ?? "")
        }
    }

    private func row(_ host: PlacementExplanation.Entry) -> [String] {
        let isChosen = host.node == explanation.node && host.eligible
        return [
            isChosen ? ">" : host.eligible ? " " : "x", host.node + (host.local ? " (this host)" : ""), host.state,
            "\(host.inHand)/\(host.slots)",
        ] + [host.total, host.queue, host.load, host.prefill, host.decode, host.network].map(Self.seconds)
    }

    private static func seconds(_ value: Double) -> String {
        let thousandths = Int((min(max(value, 0), 1e9) * 1000).rounded())
        let digits = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
    }
}
