import Foundation

/// A parsed JSON or YAML value, compared by meaning: the order of members does not matter, nor 1 against 1.0.
enum Value: Equatable, Decodable {
    case object([String: Value])
    case array([Value])
    case string(String)
    case number(Double)
    case boolean(Bool)
    case null

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([Value].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: Value].self))
        }
    }

    static func json(_ text: String) throws -> Value { try JSONDecoder().decode(Value.self, from: Data(text.utf8)) }

    subscript(_ key: String) -> Value? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var members: [String: Value] {
        if case .object(let members) = self { members } else { [:] }
    }

    var elements: [Value] {
        if case .array(let values) = self { values } else { [] }
    }

    /// The first place where this value is not what `expected` says; nil where it is all there.
    /// `{"$any_string": []}` in `expected` stands for any text but the empty one.
    func difference(from expected: Value, at path: String = "$") -> String? {
        switch (self, expected) {
        case (.string(let text), .object(let members)) where members["$any_string"] != nil:
            return text.isEmpty ? "\(path) is empty" : nil
        case (.object(let mine), .object(let theirs)):
            for key in Set(mine.keys).union(theirs.keys).sorted() {
                guard let value = mine[key] else { return "\(path).\(key) is missing" }
                guard let wanted = theirs[key] else { return "\(path).\(key) should not be there" }
                if let found = value.difference(from: wanted, at: "\(path).\(key)") { return found }
            }
            return nil
        case (.array(let mine), .array(let theirs)):
            guard mine.count == theirs.count else {
                return "\(path) has \(mine.count) elements, not \(theirs.count): \(mine)"
            }
            for (index, pair) in zip(mine, theirs).enumerated() {
                if let found = pair.0.difference(from: pair.1, at: "\(path)[\(index)]") { return found }
            }
            return nil
        default:
            return self == expected ? nil : "\(path) is \(self), not \(expected)"
        }
    }
}
