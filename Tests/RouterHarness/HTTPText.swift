/// One HTTP/1.1 message as it was on the wire, and taken apart.
package struct HTTPText: Sendable {
    package var startLine: String
    /// Names in lower case, in order.
    package var fields: [(name: String, value: String)]
    /// Without chunk framing.
    package var body: [UInt8]
    /// Everything up to the body, as it came.
    package var head: String

    package func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    package subscript(_ name: String) -> String? { all(name).first }

    package var text: String { String(decoding: body, as: UTF8.self) }

    /// A reply's status; 0 for a request.
    package var status: Int {
        let words = startLine.split(separator: " ")
        return words.first?.hasPrefix("HTTP/") == true && words.count > 1 ? Int(words[1]) ?? 0 : 0
    }

    package var method: String { startLine.split(separator: " ").first.map(String.init) ?? "" }

    package var target: String {
        let words = startLine.split(separator: " ")
        return words.count > 1 ? String(words[1]) : ""
    }

    /// Takes the first whole message off the front.
    ///
    /// - Parameters:
    ///   - endsWithConnection: a reply without any framing ends where the bytes end.
    ///   - hasNoBody: a reply to HEAD.
    /// - Returns: nil while it is not whole.
    package static func take(
        from bytes: inout [UInt8], endsWithConnection: Bool = false, hasNoBody: Bool = false
    ) -> HTTPText? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
        var lines = head.components("\r\n")
        let startLine = lines.removeFirst()
        let fields = lines.map { line -> (name: String, value: String) in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            let value = colon < line.endIndex ? line[line.index(after: colon)...].drop { $0 == " " } : ""
            return (line[..<colon].lowercased(), String(value))
        }
        var message = HTTPText(startLine: startLine, fields: fields, body: [], head: head)
        var rest = bytes[end.upperBound...]
        let bodiless = hasNoBody || [204, 304].contains(message.status) || (100..<200).contains(message.status)
        if bodiless {
        } else if message["transfer-encoding"] == "chunked" {
            guard let body = takeChunks(&rest) else { return nil }
            message.body = body
        } else if let length = message["content-length"].flatMap({ Int($0) }) {
            guard rest.count >= length else { return nil }
            message.body = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
        } else if message.status != 0 {
            guard endsWithConnection else { return nil }
            message.body = Array(rest)
            rest = []
        }
        bytes = Array(rest)
        return message
    }

    private static func takeChunks(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
        var body: [UInt8] = []
        while true {
            guard let end = rest.firstRange(of: [13, 10]) else { return nil }
            let line = String(decoding: rest[rest.startIndex..<end.lowerBound], as: UTF8.self)
            guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else { return nil }
            rest = rest[end.upperBound...]
            guard rest.count >= size + 2 else { return nil }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
            if size == 0 { return body }
        }
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
