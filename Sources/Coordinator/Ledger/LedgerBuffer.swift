import Cluster

/// What waits to be written. Rows that never change wait in order, the newest so many of them; of nodes and rates only the
/// last word waits.
package struct LedgerBuffer: Sendable {
    /// What goes into one transaction.
    package struct Batch: Equatable, Sendable {
        package var nodes: [NodeRecord] = []
        package var rates: [RateRecord] = []
        /// Of the tables that grow, the oldest first.
        package var rows: [LedgerEntry] = []

        package var isEmpty: Bool { nodes.isEmpty && rates.isEmpty && rows.isEmpty }
    }

    package let limit: Int
    /// Rows that there was no room for, since ``forgetDropped()``.
    package private(set) var dropped = 0
    private var nodes: [NodeID: NodeRecord] = [:]
    private var rates: [LedgerMemory.RateKey: RateRecord] = [:]
    private var rows: [LedgerEntry] = []
    /// Where the first row that waits is in `rows`: what is before it is removed now and then, not one by one.
    private var first = 0

    /// - Parameter limit: rows that wait at most.
    package init(limit: Int) { self.limit = max(1, limit) }

    package var isEmpty: Bool { nodes.isEmpty && rates.isEmpty && rows.count == first }
    package var waiting: Int { rows.count - first }

    package mutating func add(_ entry: LedgerEntry) {
        switch entry {
        case .node(let record): nodes[record.id] = record
        case .rates(let record): rates[LedgerMemory.RateKey(record.node, record.tier)] = record
        case .health, .placement, .audit:
            rows.append(entry)
            dropWhatIsTooMuch()
        }
    }

    /// Takes out what goes into the next transaction.
    package mutating func take(_ count: Int) -> Batch {
        let end = min(rows.count, first + count)
        let batch = Batch(
            nodes: nodes.values.sorted { $0.id.description < $1.id.description },
            rates: rates.values.sorted { ($0.node.description, $0.tier) < ($1.node.description, $1.tier) },
            rows: Array(rows[first..<end]))
        nodes = [:]
        rates = [:]
        first = end
        compact()
        return batch
    }

    /// Puts back what could not be written: before what has come since, which wins where there is one word only.
    package mutating func putBack(_ batch: Batch) {
        for record in batch.nodes where nodes[record.id] == nil { nodes[record.id] = record }
        for record in batch.rates {
            let key = LedgerMemory.RateKey(record.node, record.tier)
            if rates[key] == nil { rates[key] = record }
        }
        rows.replaceSubrange(..<first, with: batch.rows)
        first = 0
        dropWhatIsTooMuch()
    }

    /// - Returns: how many rows were dropped since it was asked last.
    package mutating func forgetDropped() -> Int {
        defer { dropped = 0 }
        return dropped
    }

    private mutating func dropWhatIsTooMuch() {
        let surplus = max(0, waiting - limit)
        dropped += surplus
        first += surplus
        compact()
    }

    private mutating func compact() {
        guard first == rows.count || first >= limit else { return }
        rows.removeFirst(first)
        first = 0
    }
}
