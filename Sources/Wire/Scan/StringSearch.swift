/// The first byte at or after `start` that ends a run of plain string content: a quote, a backslash or a control
/// character; `count` when there is none.
///
/// Eight bytes at a time; the lowest flagged byte is exact whatever stands above it (Mycroft's test for a zero byte,
/// https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord).
@inline(__always)
func endOfPlainString(_ base: UnsafePointer<UInt8>, from start: Int, count: Int) -> Int {
    var index = start
    let raw = UnsafeRawPointer(base)
    func ends(_ offset: Int) -> UInt64 {
        let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        return ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- (ones &* 0x20)) & ~word)
            & (ones &* 0x80)
    }
    // Long runs two words at a time: one branch for both.
    while index &+ 16 <= count, ends(index) | ends(index &+ 8) == 0 { index &+= 16 }
    while index &+ 8 <= count {
        let found = ends(index)
        if found != 0 { return index &+ (found.trailingZeroBitCount >> 3) }
        index &+= 8
    }
    while index < count {
        let byte = base[index]
        if byte == 0x22 || byte == 0x5C || byte < 0x20 { return index }
        index &+= 1
    }
    return count
}

/// Up to eight bytes of a short string, to compare it with the few words that the scan knows.
struct ShortWord: Equatable {
    /// The bytes themselves up to eight; of longer words a hash (FNV-1a's step), which is enough for what only makes an
    /// estimate better.
    private var bytes: UInt64 = 0
    /// One more than ``limit`` stands for everything longer.
    private var count = 0

    private static let limit = 32

    init() {}

    init(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { append(text.utf8Start[index]) }
    }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ byte: UInt8) {
        guard count < Self.limit else { return becomeLong() }
        if count < 8 {
            bytes |= UInt64(byte) << UInt64(8 * count)
        } else {
            bytes = (bytes ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        count += 1
    }

    mutating func append(_ run: UnsafeBufferPointer<UInt8>) {
        if count + run.count > Self.limit { becomeLong() } else { for byte in run { append(byte) } }
    }

    private mutating func becomeLong() {
        count = Self.limit + 1
        bytes = 0
    }

    mutating func append(_ scalar: Unicode.Scalar) {
        // The words that it is compared with are ASCII.
        append(scalar.isASCII ? UInt8(scalar.value) : 0xFF)
    }
}
