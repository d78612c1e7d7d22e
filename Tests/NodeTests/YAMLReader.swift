/// Reads the part of YAML that a llama-swap.yaml is written in: block mappings, block sequences of scalars, `{}`, `[]`,
/// literal blocks, double-quoted and plain scalars, comment lines. Anything else is an error.
struct YAMLReader {
    struct Fault: Error, CustomStringConvertible {
        var line: Int
        var problem: String
        var description: String { "line \(line): \(problem)" }
    }

    private var lines: [(number: Int, indent: Int, text: Substring)] = []
    private var position = 0

    static func read(_ text: String) throws -> Value {
        var reader = YAMLReader()
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let body = line.drop { $0 == " " }
            reader.lines.append((index + 1, line.count - body.count, body))
        }
        let value = try reader.block(indent: 0)
        guard reader.peek() == nil else { throw reader.fault("is not part of anything") }
        return value
    }

    private mutating func peek() -> (number: Int, indent: Int, text: Substring)? {
        while position < lines.count, lines[position].text.isEmpty || lines[position].text.first == "#" {
            position += 1
        }
        return position < lines.count ? lines[position] : nil
    }

    private func fault(_ problem: String) -> Fault {
        Fault(line: position < lines.count ? lines[position].number : lines.count, problem: problem)
    }

    private mutating func block(indent: Int) throws -> Value {
        guard let first = peek(), first.indent == indent else { throw fault("expected indent \(indent)") }
        return first.text.hasPrefix("- ") ? try sequence(indent: indent) : try mapping(indent: indent)
    }

    private mutating func sequence(indent: Int) throws -> Value {
        var values: [Value] = []
        while let line = peek(), line.indent == indent, line.text.hasPrefix("- ") {
            values.append(try scalar(line.text.dropFirst(2)))
            position += 1
        }
        return .array(values)
    }

    private mutating func mapping(indent: Int) throws -> Value {
        var members: [String: Value] = [:]
        while let line = peek(), line.indent == indent {
            let (key, rest) = try key(line.text)
            guard members[key] == nil else { throw fault("\(key) appears twice") }
            if rest == "|" {
                position += 1
                members[key] = literal(deeperThan: indent)
            } else if rest.isEmpty {
                position += 1
                guard let next = peek(), next.indent > indent else { throw fault("\(key) has no value") }
                members[key] = try block(indent: next.indent)
            } else {
                members[key] = try scalar(rest)
                position += 1
            }
        }
        return .object(members)
    }

    private mutating func literal(deeperThan indent: Int) -> Value {
        let depth = position < lines.count ? lines[position].indent : 0
        var found: [String] = []
        while position < lines.count, lines[position].indent >= depth, depth > indent, !lines[position].text.isEmpty {
            let line = lines[position]
            found.append(String(repeating: " ", count: line.indent - depth) + line.text)
            position += 1
        }
        return .string(found.joined(separator: "\n") + "\n")
    }

    private func key(_ text: Substring) throws -> (String, Substring) {
        let key: String
        var rest: Substring
        if text.first == "\"" {
            (key, rest) = try quoted(text)
        } else {
            let word = text.prefix { $0.isLetter || $0 == "_" }
            (key, rest) = (String(word), text[word.endIndex...])
        }
        guard rest.first == ":" else { throw fault("no colon after key \(key)") }
        rest = rest.dropFirst()
        guard rest.isEmpty || rest.first == " " else { throw fault("no space after the colon of \(key)") }
        return (key, rest.drop { $0 == " " })
    }

    private func scalar(_ text: Substring) throws -> Value {
        if text == "{}" { return .object([:]) }
        if text == "[]" { return .array([]) }
        if text == "true" || text == "false" { return .boolean(text == "true") }
        if text.first == "\"" {
            let (value, rest) = try quoted(text)
            guard rest.isEmpty else { throw fault("\(rest) follows a quoted scalar") }
            return .string(value)
        }
        guard let number = Double(text) else { throw fault("\(text) is neither quoted nor a number") }
        return .number(number)
    }

    private func quoted(_ text: Substring) throws -> (String, Substring) {
        var result = String.UnicodeScalarView()
        var rest = text.unicodeScalars.dropFirst()
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return (String(result), Substring(rest)) }
            guard scalar == "\\" else {
                result.append(scalar)
                continue
            }
            guard let kind = rest.popFirst() else { break }
            let simple: [Unicode.Scalar: Unicode.Scalar] = ["n": "\n", "r": "\r", "t": "\t", "\"": "\"", "\\": "\\"]
            let widths: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]
            if let plain = simple[kind] {
                result.append(plain)
            } else if let width = widths[kind], let value = UInt32(String(rest.prefix(width)), radix: 16),
                let scalar = Unicode.Scalar(value)
            {
                result.append(scalar)
                rest = rest.dropFirst(width)
            } else {
                throw fault("unknown escape \\\(kind)")
            }
        }
        throw fault("a quoted scalar does not end")
    }
}
