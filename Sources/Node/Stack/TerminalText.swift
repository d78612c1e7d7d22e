import Cluster

/// Columns and rows that a terminal has.
package struct TerminalSize: Equatable, Sendable {
    package var columns: Int
    package var rows: Int

    package init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }
}

/// Text on a terminal that is drawn over later.
package enum TerminalText {
    /// Columns that a text takes: characters of East Asia and emoji are two wide.
    package static func columns(of text: String) -> Int { text.reduce(0) { $0 + columns(of: $1) } }

    private static func columns(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        // The blocks that Unicode's EastAsianWidth.txt calls wide, taken together.
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60,
            0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd:
            return 2
        default: return 1
        }
    }

    /// The text as far as it is printable, its end cut off where it is too long.
    package static func fitted(_ text: String, to columns: Int) -> String {
        let text = text.printable(.max)
        guard self.columns(of: text) > columns else { return text }
        return columns > 0 ? prefix(text, columns - 1) + "…" : ""
    }

    /// The text as far as it is printable, its middle cut out where it is too long: names differ at both ends.
    package static func shortened(_ text: String, to columns: Int) -> String {
        let text = text.printable(.max)
        guard self.columns(of: text) > columns else { return text }
        guard columns > 0 else { return "" }
        let tail = prefix(String(text.reversed()), (columns - 1) / 2)
        let head = prefix(text, columns - 1 - self.columns(of: tail))
        return head + "…" + String(tail.reversed())
    }

    private static func prefix(_ text: String, _ columns: Int) -> String {
        var kept = ""
        var taken = 0
        for character in text {
            taken += self.columns(of: character)
            if taken > columns { break }
            kept.append(character)
        }
        return kept
    }

    package static func padded(_ text: String, to columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - self.columns(of: text)))
    }

    /// What draws lines where the last block was drawn, and leaves the cursor where the next one can be: at the start of
    /// the first line of several. Whatever is written next has to begin with ``clearing``.
    ///
    /// - Parameter lines: each narrower than the terminal, together no more than its rows.
    package static func block(_ lines: [String]) -> String {
        guard lines.count > 1 else { return clearing + (lines.first ?? "") }
        let up = "\r\u{1b}[\(lines.count - 1)A"
        return "\r" + lines.map { "\($0)\u{1b}[K" }.joined(separator: "\n") + "\u{1b}[J" + up
    }

    /// What takes the last block away.
    package static let clearing = "\r\u{1b}[J"
}
