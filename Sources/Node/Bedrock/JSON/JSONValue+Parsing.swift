import Wire

extension JSONValue {
    /// Reads a JSON text (RFC 8259; a byte order mark before it is skipped). Time grows with the text's length.
    ///
    /// Invalid UTF-8 and lone surrogates become U+FFFD.
    ///
    /// - Returns: nil when the text is not JSON, or nested deeper than 64 levels.
    package init?(parsing bytes: [UInt8]) {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        guard let node = JSONNode.parse(text) else { return nil }
        self.init(node, in: text)
    }

    private init(_ node: JSONNode, in bytes: [UInt8]) {
        switch node.kind {
        case .string(let text): self = .string(text)
        case .array(let elements): self = .array(elements.map { JSONValue($0, in: bytes) })
        case .object(let members):
            self = .object(
                JSONObject(members: members.map { .init(key: $0.key, value: JSONValue($0.value, in: bytes)) }))
        case .other:
            switch bytes[node.range.lowerBound] {
            case UInt8(ascii: "n"): self = .null
            case UInt8(ascii: "t"): self = .bool(true)
            case UInt8(ascii: "f"): self = .bool(false)
            default: self = .number(String(decoding: bytes[node.range], as: UTF8.self))
            }
        }
    }
}
