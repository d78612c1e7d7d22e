/// The first byte at or after `start` that ends a run of plain string content: a quote, a backslash or a control
/// character; `count` when there is none.
///
/// Eight bytes at a time; the lowest flagged byte is exact whatever stands above it (Mycroft's test for a zero byte,
/// https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord).
@inline(__always)
func endOfPlainString(_ base: UnsafePointer<UInt8>, from start: Int, count: Int) -> Int {
    var index = start
    let raw = UnsafeRawPointer(base)
    while index &+ 8 <= count {
        let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        let quote = word ^ 0x2222_2222_2222_2222
        let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
        let ones: UInt64 = 0x0101_0101_0101_0101
        let found =
            ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash
                | (word &- 0x2020_2020_2020_2020) & ~word) & 0x8080_8080_8080_8080
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
    private var bytes: UInt64 = 0
    /// 9 stands for everything longer than eight bytes.
    private var count = 0

    init() {}

    init(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { append(text.utf8Start[index]) }
    }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ byte: UInt8) {
        guard count < 8 else {
            count = 9
            bytes = 0
            return
        }
        bytes |= UInt64(byte) << UInt64(8 * count)
        count += 1
    }

    mutating func append(_ run: UnsafeBufferPointer<UInt8>) {
        if run.count > 8 {
            count = 9
            bytes = 0
        } else {
            for byte in run { append(byte) }
        }
    }

    mutating func append(_ scalar: Unicode.Scalar) {
        // The words that it is compared with are ASCII.
        append(scalar.isASCII ? UInt8(scalar.value) : 0xFF)
    }
}
