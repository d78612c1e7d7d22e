extension JSONValue {
    /// How a text is laid out.
    package enum Style: Sendable {
        /// No space anywhere, characters as they are.
        case compact
        /// A space after each comma and colon, and escapes for all that is not ASCII: how tool calls' arguments have
        /// always been written here, so that a client that compares them with its history finds them equal.
        case spacedASCII

        fileprivate var comma: StaticString { self == .compact ? "," : ", " }
        fileprivate var colon: StaticString { self == .compact ? ":" : ": " }
    }

    /// The text, compact, in UTF-8.
    package var bytes: [UInt8] {
        var output: [UInt8] = []
        write(into: &output)
        return output
    }

    package func text(_ style: Style = .compact) -> String {
        var output: [UInt8] = []
        write(into: &output, style)
        return String(decoding: output, as: UTF8.self)
    }

    package func write(into output: inout [UInt8], _ style: Style = .compact) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .number(let literal): output += literal.utf8
        case .string(let text): Self.writeQuoted(text, into: &output, style)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(style.comma) }
                element.write(into: &output, style)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let object):
            output.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                if index > 0 { output.append(style.comma) }
                Self.writeQuoted(member.key, into: &output, style)
                output.append(style.colon)
                member.value.write(into: &output, style)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// Appends the text as a JSON string, quotes included.
    package static func writeQuoted(_ text: String, into output: inout [UInt8], _ style: Style = .compact) {
        output.append(UInt8(ascii: "\""))
        var text = text
        switch style {
        case .compact: text.withUTF8 { writeEscaped($0, into: &output) }
        case .spacedASCII:
            for unit in text.utf16 {
                if unit < 0x7F {
                    writeByte(UInt8(unit), into: &output)
                } else {
                    writeEscape(unit, into: &output)
                }
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    /// Copies runs of plain bytes at once: most of a prompt is one run.
    private static func writeEscaped(_ bytes: UnsafeBufferPointer<UInt8>, into output: inout [UInt8]) {
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
            start = index + 1
            writeByte(byte, into: &output)
        }
        output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
    }

    private static func writeByte(_ byte: UInt8, into output: inout [UInt8]) {
        let escaped: UInt8? =
            switch byte {
            case 0x0A: UInt8(ascii: "n")
            case 0x0D: UInt8(ascii: "r")
            case 0x09: UInt8(ascii: "t")
            case 0x08: UInt8(ascii: "b")
            case 0x0C: UInt8(ascii: "f")
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
            default: nil
            }
        if let escaped {
            output.append(UInt8(ascii: "\\"))
            output.append(escaped)
        } else if byte < 0x20 {
            writeEscape(UInt16(byte), into: &output)
        } else {
            output.append(byte)
        }
    }

    private static func writeEscape(_ unit: UInt16, into output: inout [UInt8]) {
        output += "\\u".utf8
        for shift in [12, 8, 4, 0] {
            let digit = UInt8(unit >> UInt16(shift) & 0xF)
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
