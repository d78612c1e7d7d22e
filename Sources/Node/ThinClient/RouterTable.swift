/// Routers as lines for people: one each, in columns.
package enum RouterTable {
    private static let titles = ["cluster", "router", "host", "tiers", "round trip"]

    /// - Returns: a line of titles and one for each router, by clusters; none without routers.
    package static func lines(_ candidates: [RouterCandidate]) -> [String] {
        guard !candidates.isEmpty else { return [] }
        let sorted = candidates.sorted { left, right in
            left.clusterName == right.clusterName
                ? RouterCandidate.isNearer(left, right) : left.clusterName < right.clusterName
        }
        return aligned([titles] + sorted.map(cells))
    }

    /// Clusters with the numbers by which they are chosen.
    package static func numbered(_ clusters: [[RouterCandidate]]) -> [String] {
        let rows = clusters.enumerated().flatMap { number, routers in
            routers.enumerated().map { index, router in [index == 0 ? "\(number + 1)" : ""] + cells(router) }
        }
        return aligned([[""] + titles] + rows)
    }

    private static func cells(_ router: RouterCandidate) -> [String] {
        var tiers = router.tiers.isEmpty ? "none to lend" : router.tiers.joined(separator: ", ")
        let answer: String
        switch router.state {
        case .live(_, let roundTrip, _):
            let refusal = ", takes no new work" + (router.reason.map { ": \($0)" } ?? "")
            answer = milliseconds(roundTrip) + (router.isAccepting ? "" : refusal) + lock(router.lock)
        case .silent:
            answer = "no answer"
        case .incompatible(let version):
            if router.tiers.isEmpty { tiers = "?" }
            answer = "cannot be used: speaks version \(version)"
        case .impostor(let place, _):
            answer = "refused: \(place) cannot show that it is of \(router.clusterName)"
        }
        return [router.clusterName.isEmpty ? "?" : router.clusterName, router.name, router.host, tiers, answer]
    }

    private static func lock(_ lock: RouterCandidate.Lock) -> String {
        switch lock {
        case .open: ""
        case .keyNeeded: ", needs a key"
        case .keyHeld: ", needs a key: this host has one"
        case .keyRefused: ", needs a key: this host's was revoked"
        }
    }

    /// To a tenth below ten: `0.4 ms`, `23 ms`.
    private static func milliseconds(_ duration: Duration) -> String {
        let value = duration / .milliseconds(1)
        return value < 9.95 ? "\((value * 10).rounded() / 10) ms" : "\(Int(value.rounded())) ms"
    }

    private static func aligned(_ rows: [[String]]) -> [String] {
        let columns = rows.first?.count ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == columns - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ")
        }
    }
}
