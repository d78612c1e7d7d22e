/// Finds code in a text: a fence of three backticks, or 30 characters and more between two backticks on one line.
///
/// A counter and not a part of ``Automaton``: counting to 30 there would multiply its states by 30.
struct CodeSpans: Sendable {
    /// Characters between two backticks that make them code and not a quoted word.
    private static let leastLength = 30
    private static let backtick = UInt8(ascii: "`")

    private(set) var found = false
    /// Characters since the last backtick on this line; nil when there is none.
    private var length: Int?
    /// Backticks in a row, up to the last character.
    private var fence = 0

    mutating func restart() { self = CodeSpans() }

    /// The next part of a message is another text; what was found stays found.
    mutating func breakPart() {
        length = nil
        fence = 0
    }

    mutating func read(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "`": readBacktick()
        case "\n": breakPart()
        default:
            if let known = length { length = known &+ 1 }
            fence = 0
        }
    }

    /// Reads UTF-8 that holds whole characters only.
    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) {
        if found { return }
        var index = 0
        while index < bytes.count {
            guard let known = length else {
                guard let next = firstByte(Self.backtick, in: bytes, from: index) else { return }
                index = next + 1
                readBacktick()
                continue
            }
            let start = index
            var characters = 0
            while index < bytes.count, bytes[index] != Self.backtick, bytes[index] != 0x0A {
                if bytes[index] & 0xC0 != 0x80 { characters &+= 1 }
                index &+= 1
            }
            if index > start {
                length = known &+ characters
                fence = 0
            }
            if index == bytes.count { return }
            if bytes[index] == Self.backtick { readBacktick() } else { breakPart() }
            index += 1
        }
    }

    private mutating func readBacktick() {
        fence += 1
        if fence == 3 || length ?? 0 >= Self.leastLength { found = true }
        length = 0
    }
}

/// Eight bytes at a time (Mycroft's test for a zero byte, https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord).
private func firstByte(_ byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    guard let base = UnsafeRawPointer(bytes.baseAddress) else { return nil }
    let pattern = 0x0101_0101_0101_0101 &* UInt64(byte)
    var index = start
    while index &+ 8 <= bytes.count {
        let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ pattern
        let found = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
        if found != 0 { return index &+ (found.trailingZeroBitCount >> 3) }
        index &+= 8
    }
    while index < bytes.count {
        if bytes[index] == byte { return index }
        index &+= 1
    }
    return nil
}
