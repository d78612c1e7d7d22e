import Wire

/// A JSON value that keeps its members in the order in which they were put, so that a generated file reads well.
enum OrderedJSON: Equatable, Sendable {
    case object([Member])
    case array([OrderedJSON])
    case string(String)
    case integer(Int)
    case boolean(Bool)

    struct Member: Equatable, Sendable {
        var key: String
        var value: OrderedJSON
    }

    static func members(_ pairs: KeyValuePairs<String, OrderedJSON>) -> OrderedJSON {
        .object(pairs.map { Member(key: $0.key, value: $0.value) })
    }

    static func strings(_ texts: [String]) -> OrderedJSON { .array(texts.map { .string($0) }) }

    /// Two spaces a level, slashes as they are, a line feed at the end.
    var text: String { written(level: 0) + "\n" }

    private func written(level: Int) -> String {
        switch self {
        case .string(let text): text.jsonQuoted
        case .integer(let value): String(value)
        case .boolean(let value): value ? "true" : "false"
        case .array(let values):
            Self.bracketed(values.map { $0.written(level: level + 1) }, "[", "]", level: level)
        case .object(let members):
            Self.bracketed(
                members.map { "\($0.key.jsonQuoted): \($0.value.written(level: level + 1))" }, "{", "}", level: level)
        }
    }

    private static func bracketed(_ items: [String], _ open: String, _ close: String, level: Int) -> String {
        guard !items.isEmpty else { return open + close }
        let indent = String(repeating: "  ", count: level)
        return open + "\n" + items.map { "\(indent)  \($0)" }.joined(separator: ",\n") + "\n\(indent)\(close)"
    }
}
