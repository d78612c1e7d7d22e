/// An error as OpenAI's API words it: `{"error": {"message", "type", "param", "code"}}`.
package struct OpenAIError: Error, Equatable {
    package var status: Int
    /// `invalid_request_error`, `server_error` and their like.
    package var type: String
    package var code: String
    /// One sentence of what is wrong, and where possible one of what to do.
    package var message: String
    /// Seconds after which another try makes sense.
    package var retryAfter: Int?

    package init(_ status: Int, _ code: String, _ message: String, type: String? = nil, retryAfter: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.type = type ?? (status < 500 ? "invalid_request_error" : "server_error")
        self.retryAfter = retryAfter
    }

    /// - Returns: the message of an error that somebody else wrote in this shape; nil when the body is none.
    package static func message(in body: [UInt8]) -> String? {
        guard case .string(let message)? = JSONNode.parse(body)?["error"]?["message"]?.kind else { return nil }
        return message
    }

    package var reply: Reply {
        var reply = Reply.json(
            """
            {"error":{"message":\(message.jsonQuoted),"type":\(type.jsonQuoted),"param":null,"code":\(code.jsonQuoted)}}
            """, status: status)
        if let retryAfter { reply.head.fields.add("retry-after", String(retryAfter)) }
        return reply
    }
}

extension String {
    /// The string as a JSON literal, quotes included.
    package var jsonQuoted: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
