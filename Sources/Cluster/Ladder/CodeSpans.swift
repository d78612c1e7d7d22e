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

    /// Whether what comes may complete code that has begun.
    var isOpen: Bool { length != nil }

    /// The next part of a message is another text; what was found stays found.
    mutating func breakPart() {
        length = nil
        fence = 0
    }

    /// Reads UTF-8 that holds whole characters only.
    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) {
        if found { return }
        var index = 0
        var passed: UInt64 = 0
        while index < bytes.count {
            guard let known = length else {
                let next = firstIndex(
                    of: Self.backtick, or: Self.backtick, in: bytes, from: index, passed: &passed)
                if next == bytes.count { return }
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
