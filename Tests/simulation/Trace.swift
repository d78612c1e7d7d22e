/// What happened, as a number that is the same for the same events, and the last of them in words.
struct Trace {
    enum What: UInt8 {
        case starts, dies, pauses, resumes, fault, mended, health, placed, unserved, admitted, queued, refused, head,
            ended,
            outcome, follow, loading, loaded, left, heard
    }

    struct Entry {
        var moment: Moment
        var node: Int
        var what: What
        var first: Int
        var second: Int
    }

    private static let kept = 60

    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    private var last: [Entry] = []
    private var next = 0

    mutating func note(_ what: What, at moment: Moment, node: Int, _ first: Int = 0, _ second: Int = 0) {
        mix(UInt64(truncatingIfNeeded: moment))
        mix(UInt64(what.rawValue) | UInt64(truncatingIfNeeded: node) << 8)
        mix(UInt64(truncatingIfNeeded: first))
        mix(UInt64(truncatingIfNeeded: second))
        let entry = Entry(moment: moment, node: node, what: what, first: first, second: second)
        if last.count < Self.kept { last.append(entry) } else { last[next] = entry }
        next = (next + 1) % Self.kept
    }

    /// FNV-1a by words.
    private mutating func mix(_ word: UInt64) {
        hash = (hash ^ word) &* 0x100_0000_01b3
        hash ^= hash >> 29
    }

    /// Oldest first.
    var lines: [String] {
        let ordered = last.count < Self.kept ? last : Array(last[next...] + last[..<next])
        return ordered.map { entry in
            "  \(Time.text(entry.moment))  \(entry.node < 0 ? "world" : "n\(entry.node)") \(entry.what) \(entry.first) \(entry.second)"
        }
    }
}
