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
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let known = length else {
                guard let next = rest.firstIndex(of: Self.backtick) else { return }
                rest = rest[(next + 1)...]
                readBacktick()
                continue
            }
            let end = rest.firstIndex { $0 == Self.backtick || $0 == 0x0A } ?? rest.endIndex
            let plain = rest[..<end]
            if !plain.isEmpty {
                length = known &+ plain.reduce(0) { $0 &+ ($1 & 0xC0 == 0x80 ? 0 : 1) }
                fence = 0
            }
            guard end < rest.endIndex else { return }
            if rest[end] == Self.backtick { readBacktick() } else { breakPart() }
            rest = rest[(end + 1)...]
        }
    }

    private mutating func readBacktick() {
        fence += 1
        if fence == 3 || length ?? 0 >= Self.leastLength { found = true }
        length = 0
    }
}
