/// What is shown of a transfer while it goes on. Times are seconds on any one monotonic clock, handed in.
package struct TransferProgress: Sendable {
    /// A terminal's line is drawn over; elsewhere each line stays, so there are fewer.
    package enum Style: Sendable {
        case terminal, lines
    }

    private let name: String
    private let style: Style
    private let startedAt: Double
    private var shownAt: Double?
    /// What was there before this run began: it says nothing about the rate.
    private var before: Int64?

    package init(_ name: String, style: Style, at now: Double) {
        self.name = name
        self.style = style
        startedAt = now
    }

    /// - Returns: the line to show; nil while the last one is new enough.
    package mutating func line(count: Int64, total: Int64?, at now: Double) -> String? {
        let before = before ?? count
        self.before = before
        let interval = style == .terminal ? 0.1 : 10
        if let shownAt, now - shownAt < interval { return nil }
        shownAt = now
        var words = [name]
        if let total, total > 0 {
            let part = min(1, Double(count) / Double(total))
            if style == .terminal { words.append(Self.bar(part)) }
            words += ["\(Int(part * 100))%", "\(ByteCount.text(count)) of \(ByteCount.text(total))"]
        } else {
            words.append(ByteCount.text(count))
        }
        let rate = now > startedAt ? Double(count - before) / (now - startedAt) : 0
        if rate > 0 {
            words.append("\(ByteCount.text(Int64(rate)))/s")
            if let total, total > count {
                words.append("\(ByteCount.time(seconds: Double(total - count) / rate)) left")
            }
        }
        return words.joined(separator: "  ")
    }

    private static func bar(_ part: Double) -> String {
        let full = Int(part * 24)
        return "[" + String(repeating: "#", count: full) + String(repeating: " ", count: 24 - full) + "]"
    }
}
