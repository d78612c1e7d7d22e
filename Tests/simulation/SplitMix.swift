/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for the same seed, on every machine.
struct SplitMix: Sendable {
    private var state: UInt64

    /// - Parameter stream: numbers of one stream do not depend on how many another gave.
    init(_ seed: UInt64, stream: UInt64 = 0) {
        state = seed &* 0x2545_F491_4F6C_DD1D ^ (stream &* 0xD6E8_FEB8_6659_FD93)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(truncatingIfNeeded: next() % UInt64(max(limit, 1))) }

    mutating func between(_ low: Int, _ high: Int) -> Int { low + below(high - low + 1) }

    /// True this often in a hundred.
    mutating func percent(_ share: Int) -> Bool { below(100) < share }

    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }

    /// From `low` to `high`, and each doubling as likely as the next: most are small.
    mutating func spread(_ low: Int, _ high: Int) -> Int {
        var doublings = 0
        while low << (doublings + 1) <= high { doublings += 1 }
        let base = low << below(doublings + 1)
        return min(base + below(base), high)
    }
}
