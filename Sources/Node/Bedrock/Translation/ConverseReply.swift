/// A whole reply of Converse.
package struct ConverseReply: Sendable {
    /// Blocks of text in one.
    private var text = ""
    private var calls: [Call] = []
    private let finish: FinishReason
    private let usage: TokenUsage

    private struct Call: Sendable {
        var id: String
        var name: String
        /// A JSON object as text.
        var arguments: String
    }

    /// - Parameter body: what came with status 200.
    /// - Throws: ``ConverseFailure/unreadable``
    package init(_ body: [UInt8]) throws(ConverseFailure) {
        guard let json = JSONValue(parsing: body), let message = json["output"]?["message"], message.object != nil
        else { throw .unreadable }
        // Thoughts (reasoningContent) have no place in the reply, nor have kinds of blocks that are not known yet.
        for block in message["content"]?.elements ?? [] {
            if let text = block["text"]?.text { self.text += text }
            if let use = block["toolUse"], let name = use["name"]?.text {
                let input = use["input"] ?? .object(JSONObject())
                calls.append(
                    Call(id: use["toolUseId"]?.text ?? "", name: name, arguments: input.text(.spacedASCII)))
            }
        }
        finish = FinishReason(stopReason: json["stopReason"]?.text)
        usage = TokenUsage(json["usage"])
    }

    /// The `chat.completion` or `text_completion`.
    package func completion(_ shape: ReplyShape, stamp: ReplyStamp) -> [UInt8] {
        var choice = JSONObject()
        choice["index"] = .number("0")
        switch shape.kind {
        case .chat: choice["message"] = message
        case .text:
            choice["text"] = .string(text)
            choice["logprobs"] = .null
        }
        choice["finish_reason"] = .string(finish.rawValue)
        let completion: JSONValue = [
            "id": .string(stamp.id),
            "object": shape.kind == .chat ? "chat.completion" : "text_completion",
            "created": .number(String(stamp.created)),
            "model": .string(shape.model),
            "choices": [.object(choice)],
            "usage": usage.json,
        ]
        return completion.bytes
    }

    private var message: JSONValue {
        var message = JSONObject()
        message["role"] = "assistant"
        message["content"] = text.isEmpty ? .null : .string(text)
        if !calls.isEmpty {
            message["tool_calls"] = .array(
                calls.map { call in
                    [
                        "id": .string(call.id), "type": "function",
                        "function": ["name": .string(call.name), "arguments": .string(call.arguments)],
                    ]
                })
        }
        return .object(message)
    }
}
