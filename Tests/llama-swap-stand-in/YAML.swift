/// A value of the small part of YAML in which llama-swap.yaml is generated.
///
/// Read: block mappings and sequences, literal blocks (`|`, `|-`), plain, double-quoted (JSON escapes, `\x` and `\U`) and single-quoted
/// scalars, `[]` and `{}` of scalars on one line, comments. Anything else is an error that names its line; tabs,
/// anchors, tags, folded blocks and several documents are not read.
package indirect enum YAML: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case sequence([YAML])
    /// In the order of the file; keys are unique.
    case mapping([Entry])

    package struct Entry: Equatable, Sendable {
        package var key: String
        package var value: YAML
    }

    package struct SyntaxError: Error, CustomStringConvertible, Equatable {
        package var line: Int
        package var message: String
        package var description: String { "line \(line): \(message)" }
    }

    package init(parsing text: String) throws(SyntaxError) {
        var reader = YAMLReader(text)
        self = try reader.document()
    }

    package subscript(key: String) -> YAML? {
        guard case .mapping(let entries) = self else { return nil }
        return entries.first { $0.key == key }?.value
    }
}

private struct YAMLReader {
    struct Line {
        var number: Int
        var indent: Int
        /// Without indentation, comment and trailing space; empty for a blank line.
        var text: Substring
        /// The line as written, for literal blocks.
        var raw: Substring
    }

    private var lines: [Line] = []
    private var next = 0

    init(_ text: String) {
        for (offset, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let indent = raw.prefix { $0 == " " }.count
            lines.append(
                Line(number: offset + 1, indent: indent, text: Self.uncommented(raw.dropFirst(indent)), raw: raw))
        }
    }

    mutating func document() throws(YAML.SyntaxError) -> YAML {
        if let line = peek(), line.text == "---" { next += 1 }
        guard let first = peek() else { return .null }
        let value = try block(indent: first.indent)
        if let line = peek() { throw error(line, "expected the end of the file, not \"\(line.text)\"") }
        return value
    }

    /// The next line that is not blank.
    private mutating func peek() -> Line? {
        while next < lines.count, lines[next].text.isEmpty { next += 1 }
        return next < lines.count ? lines[next] : nil
    }

    private func error(_ line: Line, _ message: String) -> YAML.SyntaxError {
        YAML.SyntaxError(line: line.number, message: message)
    }

    private mutating func block(indent: Int) throws(YAML.SyntaxError) -> YAML {
        guard let line = peek() else { return .null }
        return Self.isItem(line.text) ? try sequence(indent: indent) : try mapping(indent: indent)
    }

    private static func isItem(_ text: Substring) -> Bool { text == "-" || text.hasPrefix("- ") }

    private mutating func sequence(indent: Int) throws(YAML.SyntaxError) -> YAML {
        var items: [YAML] = []
        while let line = peek(), line.indent == indent, Self.isItem(line.text) {
            next += 1
            let rest = line.text.dropFirst(1).drop { $0 == " " }
            if rest.isEmpty { throw error(line, "an item of a list must be a scalar on the same line") }
            items.append(try scalar(rest, line))
        }
        return .sequence(items)
    }

    private mutating func mapping(indent: Int) throws(YAML.SyntaxError) -> YAML {
        var entries: [YAML.Entry] = []
        while let line = peek(), line.indent >= indent {
            guard line.indent == indent else { throw error(line, "indented by \(line.indent), expected \(indent)") }
            if Self.isItem(line.text) { break }
            let (key, rest) = try keyed(line)
            guard !entries.contains(where: { $0.key == key }) else { throw error(line, "\(key) is given twice") }
            next += 1
            entries.append(YAML.Entry(key: key, value: try value(rest, of: line, indent: indent)))
        }
        return .mapping(entries)
    }

    private mutating func value(_ rest: Substring, of line: Line, indent: Int) throws(YAML.SyntaxError) -> YAML {
        if rest == "|" || rest == "|-" { return .string(literal(under: indent, keepsNewline: rest == "|")) }
        if !rest.isEmpty { return try scalar(rest, line) }
        guard let child = peek() else { return .null }
        if child.indent > indent { return try block(indent: child.indent) }
        if child.indent == indent, Self.isItem(child.text) { return try sequence(indent: indent) }
        return .null
    }

    private mutating func literal(under indent: Int, keepsNewline: Bool) -> String {
        var body: [Substring] = []
        var depth: Int?
        while next < lines.count {
            let line = lines[next]
            let isBlank = line.raw.allSatisfy { $0 == " " }
            if !isBlank, line.indent <= indent { break }
            if !isBlank, depth == nil { depth = line.indent }
            body.append(line.raw.dropFirst(depth ?? line.indent))
            next += 1
        }
        while body.last?.isEmpty == true { body.removeLast() }
        return body.joined(separator: "\n") + (keepsNewline && !body.isEmpty ? "\n" : "")
    }

    /// Splits `key: rest`.
    private func keyed(_ line: Line) throws(YAML.SyntaxError) -> (key: String, rest: Substring) {
        var cursor = line.text
        let key: String
        if cursor.first == "\"" || cursor.first == "'" {
            key = try quoted(&cursor, line)
        } else {
            guard let colon = Self.colon(in: cursor) else { throw error(line, "expected \"key: value\"") }
            key = String(cursor[..<colon])
            cursor = cursor[colon...]
        }
        guard cursor.first == ":" else { throw error(line, "expected a colon after \"\(key)\"") }
        return (key, cursor.dropFirst().drop { $0 == " " })
    }

    private static func colon(in text: Substring) -> Substring.Index? {
        text.indices.first { index in
            guard text[index] == ":" else { return false }
            let after = text.index(after: index)
            return after == text.endIndex || text[after] == " "
        }
    }

    private func scalar(_ text: Substring, _ line: Line) throws(YAML.SyntaxError) -> YAML {
        var cursor = text
        let value = try flow(&cursor, line, stops: [])
        guard cursor.allSatisfy({ $0 == " " }) else { throw error(line, "unexpected text after the value: \(cursor)") }
        return value
    }

    private func flow(_ cursor: inout Substring, _ line: Line, stops: Set<Character>) throws(YAML.SyntaxError) -> YAML {
        switch cursor.first {
        case "\"", "'":
            return .string(try quoted(&cursor, line))
        case "[":
            var items: [YAML] = []
            try list(&cursor, line, end: "]") { (cursor: inout Substring) throws(YAML.SyntaxError) in
                items.append(try flow(&cursor, line, stops: [",", "]"]))
            }
            return .sequence(items)
        case "{":
            var entries: [YAML.Entry] = []
            try list(&cursor, line, end: "}") { (cursor: inout Substring) throws(YAML.SyntaxError) in
                guard case .string(let key) = try flow(&cursor, line, stops: [":"]), cursor.first == ":" else {
                    throw error(line, "expected \"key: value\" between the braces")
                }
                cursor = cursor.dropFirst().drop { $0 == " " }
                entries.append(YAML.Entry(key: key, value: try flow(&cursor, line, stops: [",", "}"])))
            }
            return .mapping(entries)
        case "&", "*", "!", "|", ">", "%", "@", "`":
            throw error(line, "a plain value may not begin with \(cursor.prefix(1))")
        default:
            let end = cursor.firstIndex { stops.contains($0) } ?? cursor.endIndex
            let plain = cursor[..<end]
            cursor = cursor[end...]
            if Self.colon(in: plain) != nil { throw error(line, "a value with a colon and a space must be quoted") }
            return Self.resolved(String(Self.withoutTrailingSpace(plain)))
        }
    }

    private func list(
        _ cursor: inout Substring, _ line: Line, end: Character,
        item: (inout Substring) throws(YAML.SyntaxError) -> Void
    ) throws(YAML.SyntaxError) {
        cursor = cursor.dropFirst().drop { $0 == " " }
        while cursor.first != end {
            guard !cursor.isEmpty else { throw error(line, "expected \(end)") }
            try item(&cursor)
            cursor = cursor.drop { $0 == " " }
            if cursor.first == "," { cursor = cursor.dropFirst().drop { $0 == " " } }
        }
        cursor = cursor.dropFirst()
    }

    private func quoted(_ cursor: inout Substring, _ line: Line) throws(YAML.SyntaxError) -> String {
        let quote = cursor.removeFirst()
        var result = ""
        while let character = cursor.popFirst() {
            if character == quote {
                guard quote == "'", cursor.first == "'" else { return result }
                result.append(cursor.removeFirst())
            } else if character == "\\", quote == "\"" {
                guard let escape = cursor.popFirst() else { break }
                switch escape {
                case "n": result.append("\n")
                case "t": result.append("\t")
                case "r": result.append("\r")
                case "b": result.append("\u{8}")
                case "f": result.append("\u{c}")
                case "\"", "\\", "/": result.append(escape)
                case "x", "u", "U":
                    let width = escape == "x" ? 2 : escape == "u" ? 4 : 8
                    let digits = cursor.prefix(width)
                    guard digits.count == width, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code)
                    else { throw error(line, "\\\(escape) needs \(width) hexadecimal digits of a character") }
                    result.unicodeScalars.append(scalar)
                    cursor = cursor.dropFirst(width)
                default: throw error(line, "unknown escape \\\(escape)")
                }
            } else {
                result.append(character)
            }
        }
        throw error(line, "the quote is not closed")
    }

    private static func resolved(_ plain: String) -> YAML {
        switch plain {
        case "", "~", "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            if let int = Int(plain) { return .int(int) }
            if plain.first?.isLetter == false, let double = Double(plain) { return .double(double) }
            return .string(plain)
        }
    }

    private static func withoutTrailingSpace(_ text: Substring) -> Substring {
        var text = text
        while let last = text.last, last == " " || last == "\r" || last == "\r\n" { text.removeLast() }
        return text
    }

    /// Cuts a comment: `#` at the start or after a space, outside of quotes.
    private static func uncommented(_ text: Substring) -> Substring {
        var quote: Character?
        var previous: Character = " "
        var isEscaped = false
        var end = text.endIndex
        for index in text.indices {
            let character = text[index]
            if let open = quote {
                if character == open, !isEscaped { quote = nil }
                isEscaped = open == "\"" && character == "\\" && !isEscaped
            } else if (character == "\"" || character == "'") && !(previous.isLetter || previous.isNumber) {
                quote = character
            } else if character == "#", previous == " " {
                end = index
                break
            }
            previous = character
        }
        return withoutTrailingSpace(text[..<end])
    }
}
