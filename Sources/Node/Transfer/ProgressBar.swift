/// How far one file is, as one line.
package struct ProgressBar: Equatable, Sendable {
    package var name: String
    /// Bytes that are there; nil where that cannot be told.
    package var count: Int64?
    /// Bytes of the whole; nil where nobody said.
    package var total: Int64?
    /// Whether `total` is only about right.
    package var isEstimate: Bool
    /// Bytes per second; 0 where it is not known.
    package var rate: Double
    /// Said in place of all numbers.
    package var remark: String?

    package init(name: String, count: Int64?, total: Int64?, isEstimate: Bool = false, rate: Double) {
        self.name = name
        self.count = count
        self.total = total.flatMap { $0 > 0 ? $0 : nil }
        self.isEstimate = isEstimate
        self.rate = rate
    }

    package init(name: String, remark: String) {
        self.init(name: name, count: nil, total: nil, rate: 0)
        self.remark = remark
    }

    /// 0 to 1; nil where it is not known.
    package var part: Double? {
        guard let count, let total else { return nil }
        return min(1, Double(count) / Double(total))
    }

    /// For a log, which knows no columns.
    package var plain: String {
        let words = [name, percent, count.map { ByteCount.text($0) + ofTotal }, perSecond, left]
        return words.compactMap { $0 }.joined(separator: "  ")
    }

    /// For a terminal: what there is room for.
    package func line(columns: Int) -> String { Self.lines([self], columns: columns).joined() }

    /// Several, a line each, in columns that stand below one another.
    package static func lines(_ bars: [ProgressBar], columns: Int) -> [String] {
        var lines: [String] = []
        for shape in Shape.all {
            let nameColumns = bars.map { TerminalText.columns(of: shape.title($0.name)) }.max() ?? 0
            lines = bars.map { $0.line(shape, nameColumns) }
            // A remark has nothing to leave out.
            let areFitting = zip(bars, lines).allSatisfy { $0.remark != nil || TerminalText.columns(of: $1) <= columns }
            if areFitting { break }
        }
        return lines.map { TerminalText.fitted($0, to: columns) }
    }

    /// What is left out, one thing after the other, where there is little room: the bar's length, the name's middle, the
    /// bar, the rate, the total, the bytes.
    private struct Shape {
        var name = Int.max
        /// Columns between the brackets; 0: no bar.
        var bar = 0
        var hasRate = true
        var hasTotal = true
        var hasAmount = true

        func title(_ name: String) -> String { TerminalText.shortened(name, to: self.name) }

        static let all =
            [Int.max, 20, 15, 12].flatMap { name in [24, 16, 10, 6].map { Shape(name: name, bar: $0) } } + [
                Shape(name: 12), Shape(name: 12, hasRate: false), Shape(name: 12, hasRate: false, hasTotal: false),
                Shape(name: 12, hasRate: false, hasTotal: false, hasAmount: false),
            ]
    }

    private func line(_ shape: Shape, _ nameColumns: Int) -> String {
        var words = [TerminalText.padded(shape.title(name), to: nameColumns)]
        if let remark { return (words + [remark]).joined(separator: "  ") }
        guard let count else { return (words + ["fetching"]).joined(separator: "  ") }
        if let part, shape.bar > 0 {
            let full = Int(part * Double(shape.bar))
            let empty = shape.bar - full
            words.append("[\(String(repeating: "#", count: full))\(String(repeating: " ", count: empty))]")
        }
        if let percent { words.append(right(percent, 4)) }
        if shape.hasAmount { words.append(right(ByteCount.text(count), 8) + (shape.hasTotal ? ofTotal : "")) }
        if shape.hasRate, let perSecond { words.append(right(perSecond, 10)) }
        if shape.hasTotal, let left { words.append(left) }
        return words.joined(separator: "  ")
    }

    private var percent: String? { part.map { "\(Int($0 * 100))%" } }

    private var ofTotal: String { total.map { " of \(isEstimate ? "~" : "")\(ByteCount.text($0))" } ?? "" }

    private var perSecond: String? { rate > 0 ? "\(ByteCount.text(Int64(rate)))/s" : nil }

    private var left: String? {
        guard rate > 0, let count, let total, total > count else { return nil }
        return "\(ByteCount.time(seconds: Double(total - count) / rate)) left"
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
