/// A JSON text as a tree of places in it: for the few replies that the router changes without rewriting them.
package struct JSONNode: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case object([Member])
        case array([JSONNode])
        /// Its text, escapes decoded.
        case string(String)
        /// A number, true, false or null.
        case other
    }

    package struct Member: Sendable, Equatable {
        package var key: String
        package var value: JSONNode
    }

    package var kind: Kind
    /// Bytes of the text, quotes and brackets included.
    package var range: Range<Int>

    /// The last member of that key.
    package subscript(_ key: String) -> JSONNode? {
        guard case .object(let members) = kind else { return nil }
        return members.last { $0.key == key }?.value
    }

    /// - Returns: nil when the text is not JSON, or nested deeper than 64 levels.
    package static func parse(_ bytes: [UInt8]) -> JSONNode? {
        var parser = Parser(bytes: bytes)
        guard let node = parser.value(depth: 0) else { return nil }
        parser.skipSpace()
        return parser.index == bytes.count ? node : nil
    }
}

private struct Parser {
    let bytes: [UInt8]
    var index = 0

    private static let depthLimit = 64

    mutating func skipSpace() {
        while index < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[index]) { index += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    mutating func value(depth: Int) -> JSONNode? {
        skipSpace()
        guard depth < Self.depthLimit, index < bytes.count else { return nil }
        let start = index
        let kind: JSONNode.Kind?
        switch bytes[index] {
        case 0x7B: kind = object(depth)
        case 0x5B: kind = array(depth)
        case 0x22: kind = string().map { .string($0) }
        default: kind = scalar()
        }
        return kind.map { JSONNode(kind: $0, range: start..<index) }
    }

    private mutating func object(_ depth: Int) -> JSONNode.Kind? {
        index += 1
        var members: [JSONNode.Member] = []
        if take(0x7D) { return .object(members) }
        repeat {
            skipSpace()
            guard index < bytes.count, bytes[index] == 0x22, let key = string(), take(0x3A),
                let value = value(depth: depth + 1)
            else { return nil }
            members.append(.init(key: key, value: value))
        } while take(0x2C)
        return take(0x7D) ? .object(members) : nil
    }

    private mutating func array(_ depth: Int) -> JSONNode.Kind? {
        index += 1
        var elements: [JSONNode] = []
        if take(0x5D) { return .array(elements) }
        repeat {
            guard let value = value(depth: depth + 1) else { return nil }
            elements.append(value)
        } while take(0x2C)
        return take(0x5D) ? .array(elements) : nil
    }

    private mutating func scalar() -> JSONNode.Kind? {
        let start = index
        while index < bytes.count, ![0x2C, 0x7D, 0x5D, 0x20, 0x0A, 0x0D, 0x09].contains(bytes[index]) { index += 1 }
        let text = bytes[start..<index]
        if ["true", "false", "null"].contains(where: { $0.utf8.elementsEqual(text) }) { return .other }
        var number = JSONNumber()
        return text.allSatisfy { number.take($0) } && number.isComplete ? .other : nil
    }

    private mutating func string() -> String? {
        index += 1
        var units: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case 0x22: return String(decoding: units, as: UTF8.self)
            case 0x5C: guard escape(into: &units) else { return nil }
            case 0..<0x20: return nil
            default: units.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(into units: inout [UInt8]) -> Bool {
        guard index < bytes.count else { return false }
        let byte = bytes[index]
        index += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: units.append(byte)
        case 0x6E: units.append(0x0A)
        case 0x74: units.append(0x09)
        case 0x72: units.append(0x0D)
        case 0x62: units.append(0x08)
        case 0x66: units.append(0x0C)
        case 0x75:
            guard var value = hex() else { return false }
            if (0xD800..<0xDC00).contains(value), bytes.count >= index + 6, bytes[index] == 0x5C,
                bytes[index + 1] == 0x75
            {
                index += 2
                guard let low = hex() else { return false }
                value = (0xDC00..<0xE000).contains(low) ? 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00) : 0xFFFD
            }
            units += Array(String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
        default: return false
        }
        return true
    }

    private mutating func hex() -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        let digits = String(decoding: bytes[index..<(index + 4)], as: UTF8.self)
        index += 4
        return digits.allSatisfy(\.isHexDigit) ? UInt32(digits, radix: 16) : nil
    }
}
