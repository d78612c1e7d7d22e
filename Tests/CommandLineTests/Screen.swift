/// What a terminal's screen shows after bytes were written to it: as much of one as llmstack makes use of.
struct Screen {
    private var rows: [[Character]] = [[]]
    private var row = 0
    private var column = 0
    /// The most rows that ever held something.
    private(set) var highest = 0

    var lines: [String] {
        rows.map { String($0).trimmingSuffix() }.reversed().drop { $0.isEmpty }.reversed()
    }

    mutating func show(_ text: String) {
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n":
                row += 1
                if row == rows.count { rows.append([]) }
            case "\u{1b}": control(&rest)
            default: put(Character(scalar))
            }
            highest = max(highest, lines.count)
        }
    }

    private mutating func control(_ rest: inout Substring.UnicodeScalarView) {
        guard rest.popFirst() == "[" else { return }
        var number = 0
        while let digit = rest.first?.properties.numericType != nil ? rest.popFirst() : nil {
            number = number * 10 + Int(digit.value - 48)
        }
        switch rest.popFirst() {
        case "A": row = max(0, row - max(1, number))
        case "K": rows[row] = Array(rows[row].prefix(column))
        case "J":
            rows[row] = Array(rows[row].prefix(column))
            rows.removeLast(rows.count - row - 1)
        default: break
        }
    }

    private mutating func put(_ character: Character) {
        while rows[row].count < column { rows[row].append(" ") }
        if column < rows[row].count { rows[row][column] = character } else { rows[row].append(character) }
        column += 1
    }
}

extension String {
    fileprivate func trimmingSuffix() -> String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
