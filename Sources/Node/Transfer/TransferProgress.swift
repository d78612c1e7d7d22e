/// What is shown of a transfer while it goes on. Times are seconds on any one monotonic clock, handed in.
package struct TransferProgress: Sendable {
    private let name: String
    private var rate = TransferRate()
    private var shownAt: Double?

    package init(_ name: String) { self.name = name }

    /// - Parameter columns: of the terminal, whose line is drawn over; nil where each line stays, so there are fewer.
    /// - Returns: the line to show; nil while the last one is new enough.
    package mutating func line(count: Int64, total: Int64?, columns: Int?, at now: Double) -> String? {
        rate.note(count, at: now)
        let interval = columns == nil ? 10 : 0.1
        if let shownAt, now - shownAt < interval { return nil }
        shownAt = now
        let bar = ProgressBar(name: name, count: count, total: total, rate: rate.bytesPerSecond)
        return columns.map { bar.line(columns: $0) } ?? bar.plain
    }
}
