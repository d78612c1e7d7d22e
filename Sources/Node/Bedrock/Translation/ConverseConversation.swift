/// The messages of a request, as Converse wants them: system prompts apart, then turns of alternating roles in which
/// every tool call is answered by the turn after it.
struct ConverseConversation {
    private(set) var system: [JSONValue] = []
    private(set) var turns: [ConverseTurn] = []

    /// Ids given to calls that came without one count up, so that the same history makes the same bytes.
    private var namelessCalls: UInt64 = 0

    /// - Throws: for content without a place in Converse, and for a request with nothing to answer.
    init(_ request: JSONObject) throws(ConverseRefusal) {
        if let messages = request["messages"], !messages.elements.isEmpty {
            for message in messages.elements.lazy.compactMap(\.object) { try add(message) }
        } else {
            try add(prompt: request["prompt"])
        }
        guard !turns.isEmpty else {
            throw ConverseRefusal("invalid_value", "There is nothing to answer: send a message or prompt with content.")
        }
        settleCalls()
    }

    private mutating func add(prompt: JSONValue?) throws(ConverseRefusal) {
        switch prompt {
        case .string(let text)?: append(.user, text.isEmpty ? [] : [.text(text)])
        case .array(let prompts)? where prompts.count == 1: try add(prompt: prompts[0])
        case .array(let prompts)? where !prompts.isEmpty:
            throw ConverseRefusal(
                "unsupported_value", "A hosted tier takes one prompt a request, as text. Send a request for each.")
        default: break
        }
    }

    private mutating func add(_ message: JSONObject) throws(ConverseRefusal) {
        let content = message["content"]
        switch message["role"]?.text {
        case "system":
            let text = try MessageContent.text(content, in: .system)
            if !text.isEmpty { system.append(["text": .string(text)]) }
        case "assistant":
            let calls = (message["tool_calls"]?.elements ?? []).compactMap { toolUse($0) }
            let text = try MessageContent.blocks(content, in: .assistant)
            // Models behind Converse refuse blank texts, which local ones often write before a call.
            append(.assistant, text.filter { calls.isEmpty || !$0.isBlank } + calls)
        case "tool": append(.user, try toolResult(message))
        default: append(.user, try MessageContent.blocks(content, in: .user))
        }
    }

    /// A run of one role is one turn.
    private mutating func append(_ role: ConverseTurn.Role, _ blocks: [ConverseBlock]) {
        guard !blocks.isEmpty else { return }
        if turns.last?.role == role {
            turns[turns.count - 1].blocks += blocks
        } else {
            turns.append(ConverseTurn(role: role, blocks: blocks))
        }
    }

    private mutating func toolUse(_ call: JSONValue) -> ConverseBlock? {
        guard let function = call["function"], function.object != nil else { return nil }
        let id = ToolCallID(call["id"])?.text ?? makeID()
        let name = function["name"]?.text.flatMap { $0.isEmpty ? nil : $0 } ?? "unnamed"
        return .toolUse(id: id, name: name, input: Self.input(function["arguments"]))
    }

    private mutating func makeID() -> String {
        namelessCalls += 1
        return "tool_" + namelessCalls.hex(digits: 12)
    }

    /// Converse takes objects only: what a model wrote beside that is kept inside one.
    private static func input(_ arguments: JSONValue?) -> JSONValue {
        switch arguments {
        case nil, .null?: return .object(JSONObject())
        case .object(let object)?: return .object(object)
        case .string(let text)?:
            if text.allSatisfy(\.isWhitespace) { return .object(JSONObject()) }
            guard let value = JSONValue(parsing: Array(text.utf8)) else { return ["_raw": .string(text)] }
            return value.object == nil ? ["value": value] : value
        case let other?: return ["value": other]
        }
    }

    /// A result that names no call answers the oldest open one; with none open its content is the user's.
    private func toolResult(_ message: JSONObject) throws(ConverseRefusal) -> [ConverseBlock] {
        let content = try MessageContent.blocks(message["content"], in: .tool)
        guard let id = ToolCallID(message["tool_call_id"])?.text ?? ToolCallID(message["id"])?.text ?? openCall else {
            return content
        }
        return [.toolResult(id: id, content: content.isEmpty ? [.text("")] : content, failed: false)]
    }

    private var openCall: String? {
        guard let calling = turns.lastIndex(where: { $0.role == .assistant }) else { return nil }
        let answered = Set(turns[(calling + 1)...].flatMap(\.answers))
        return turns[calling].calls.first { !answered.contains($0.id) }?.id
    }

    /// Puts the results of a turn's calls first in the next one, and an error for each that has none.
    private mutating func settleCalls() {
        var index = 0
        while index < turns.count {
            defer { index += 1 }
            let calls = turns[index].role == .assistant ? turns[index].calls : []
            guard !calls.isEmpty else { continue }
            if index + 1 == turns.count { turns.append(ConverseTurn(role: .user, blocks: [])) }
            let blocks = turns[index + 1].blocks
            let answered = Set(turns[index + 1].answers)
            let lost = calls.filter { !answered.contains($0.id) }.map { call in
                ConverseBlock.toolResult(
                    id: call.id, content: [.text("This call has no result: it was interrupted.")], failed: true)
            }
            turns[index + 1].blocks = lost + blocks.filter(\.isToolResult) + blocks.filter { !$0.isToolResult }
        }
    }
}

extension ConverseBlock {
    fileprivate var isBlank: Bool {
        if case .text(let text) = self { text.allSatisfy(\.isWhitespace) } else { false }
    }

    var isToolResult: Bool {
        if case .toolResult = self { true } else { false }
    }
}

/// The id of a tool call. Converse takes 1 to 64 letters, digits, `_` and `-`; local engines write others, and a
/// conversation may come here from one of them.
private struct ToolCallID {
    let text: String

    init?(_ value: JSONValue?) {
        let given: String
        switch value {
        case .string(let id)? where !id.isEmpty: given = id
        case .number(let id)?: given = id
        default: return nil
        }
        let isValid =
            given.utf8.count <= 64
            && given.utf8.allSatisfy {
                switch $0 {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
        text = isValid ? given : "tool_" + Self.hash(given).hex(digits: 16)
    }

    /// FNV-1a: the same id always becomes the same.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
