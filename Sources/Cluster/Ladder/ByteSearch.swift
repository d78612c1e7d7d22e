/// The first of two bytes at or behind an offset; the count of `bytes` when there is neither.
///
/// Eight bytes at a time; the lowest flagged byte is exact whatever stands above it (Mycroft's test for a zero byte,
/// https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord).
///
/// - Parameter passed: gets every bit that is set in the bytes passed over, eight bytes to a word.
@inline(__always)
func firstIndex(
    of first: UInt8, or second: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int, passed: inout UInt64
) -> Int {
    guard let base = UnsafeRawPointer(bytes.baseAddress) else { return bytes.count }
    let ones: UInt64 = 0x0101_0101_0101_0101
    let (patternA, patternB) = (ones &* UInt64(first), ones &* UInt64(second))
    var index = start
    while index &+ 8 <= bytes.count {
        let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
        let (a, b) = (word ^ patternA, word ^ patternB)
        passed |= word
        let found = ((a &- ones) & ~a | (b &- ones) & ~b) & 0x8080_8080_8080_8080
        if found != 0 { return index &+ (found.trailingZeroBitCount >> 3) }
        index &+= 8
    }
    while index < bytes.count, bytes[index] != first, bytes[index] != second {
        passed |= UInt64(bytes[index])
        index &+= 1
    }
    return index
}

/// Code points in UTF-8: bytes that do not continue one. Eight bytes at a time; the per-byte sums of up to 255 words are
/// added by a multiplication (Warren, "Hacker's Delight", 2nd edition, section 5-1).
func countScalars(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    guard let base = UnsafeRawPointer(bytes.baseAddress) else { return 0 }
    let count = bytes.count
    var continuations = 0
    var index = 0
    while index &+ 8 <= count {
        var sums: UInt64 = 0
        var words = 0
        while words < 255, index &+ 8 <= count {
            let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            sums &+= (word >> 7) & ~(word >> 6) & 0x0101_0101_0101_0101
            index &+= 8
            words &+= 1
        }
        let pairs = (sums & 0x00FF_00FF_00FF_00FF) &+ ((sums >> 8) & 0x00FF_00FF_00FF_00FF)
        continuations &+= Int((pairs &* 0x0001_0001_0001_0001) >> 48)
    }
    while index < count {
        if bytes[index] & 0xC0 == 0x80 { continuations &+= 1 }
        index &+= 1
    }
    return count &- continuations
}
