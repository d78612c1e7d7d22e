/// What is shown of several files that are being fetched at once: a bar each. Times are seconds on any one monotonic
/// clock, handed in.
package struct DownloadBoard: Sendable {
    /// Where one file is.
    package enum State: Equatable, Sendable {
        case fetching
        /// All of it is here, and llama.cpp loads it once before it ends.
        case trying
        /// Over; what was told of it stays.
        case ended
    }

    private struct Row {
        var bar: ProgressBar
        var state = State.fetching
        var rate = TransferRate()
        /// What the last line that stays said, and when.
        var toldTenth: Int?
        var toldAt: Double?
    }

    private var rows: [Row]

    /// - Parameter names: of the files, in the order in which they are shown.
    package init(_ names: [String]) {
        rows = names.map { Row(bar: ProgressBar(name: $0, count: nil, total: nil, rate: 0)) }
    }

    /// - Parameters:
    ///   - count: bytes that are there; nil where that cannot be told.
    ///   - total: of the whole; nil where it is not known.
    ///   - isEstimate: whether `total` is only about right.
    package mutating func note(_ index: Int, count: Int64?, total: Int64?, isEstimate: Bool, at now: Double) {
        if let count { rows[index].rate.note(count, at: now) }
        rows[index].bar = ProgressBar(
            name: rows[index].bar.name, count: count, total: total, isEstimate: isEstimate,
            rate: rows[index].rate.bytesPerSecond)
        rows[index].state = .fetching
    }

    /// All bytes of a file are there.
    package mutating func arrived(_ index: Int) { rows[index].state = .trying }

    /// - Returns: the line that stays in the bar's place.
    package mutating func done(_ index: Int, bytes: Int64?) -> String {
        rows[index].state = .ended
        return "\(rows[index].bar.name): done" + (bytes.map { " (\(ByteCount.text($0)))" } ?? "")
    }

    /// - Returns: the line that stays in the bar's place.
    package mutating func failed(_ index: Int, _ exit: ChildExit, log: String) -> String {
        rows[index].state = .ended
        return "\(rows[index].bar.name): failed, \(exit); its log: \(log)"
    }

    private var openRows: [Row] { rows.filter { $0.state != .ended } }

    /// The bars of what is not over yet, for a terminal: no line is as wide as it, and not all rows are taken.
    package func bars(on terminal: TerminalSize) -> [String] {
        let columns = max(1, terminal.columns - 1)
        let room = max(1, terminal.rows - 1)
        let shown = openRows.count > room ? Array(openRows.prefix(room - 1)) : openRows
        let bars = shown.map { row in
            row.state == .trying ? ProgressBar(name: row.bar.name, remark: "is here; llama.cpp tries it") : row.bar
        }
        var lines = ProgressBar.lines(bars, columns: columns)
        if shown.count < openRows.count {
            lines.append(TerminalText.fitted("and \(openRows.count - shown.count) more", to: columns))
        }
        return lines
    }

    /// Seconds between two lines of one file where lines stay: at least, and where nothing new can be said.
    private static let patience = (least: 5.0, most: 300.0)

    /// Where each line stays there are few: one of each file at first, one at each tenth of it, and one after minutes.
    package mutating func news(at now: Double) -> [String] {
        var lines: [String] = []
        for index in rows.indices where rows[index].state == .fetching {
            let tenth = rows[index].bar.part.map { Int($0 * 10) }
            if let toldAt = rows[index].toldAt {
                let isFurther = tenth != rows[index].toldTenth
                guard now - toldAt >= (isFurther ? Self.patience.least : Self.patience.most) else { continue }
            }
            rows[index].toldAt = now
            rows[index].toldTenth = tenth
            if rows[index].bar.count != nil { lines.append(rows[index].bar.plain) }
        }
        return lines
    }
}
