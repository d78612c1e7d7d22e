/// One block of a turn's content, as Converse has it.
enum ConverseBlock: Equatable, Sendable {
    case text(String)
    /// `format` is Converse's word; `base64` is standard and padded.
    case image(format: String, base64: String)
    case toolUse(id: String, name: String, input: JSONValue)
    case toolResult(id: String, content: [ConverseBlock], failed: Bool)

    var json: JSONValue {
        switch self {
        case .text(let text): ["text": .string(text)]
        case .image(let format, let base64):
            ["image": ["format": .string(format), "source": ["bytes": .string(base64)]]]
        case .toolUse(let id, let name, let input):
            ["toolUse": ["toolUseId": .string(id), "name": .string(name), "input": input]]
        case .toolResult(let id, let content, let failed):
            ["toolResult": Self.result(id, content, failed: failed)]
        }
    }

    private static func result(_ id: String, _ content: [ConverseBlock], failed: Bool) -> JSONValue {
        var result = JSONObject()
        result["toolUseId"] = .string(id)
        result["content"] = .array(content.map(\.json))
        if failed { result["status"] = "error" }
        return .object(result)
    }
}

/// One turn: Converse wants them of alternating roles.
struct ConverseTurn: Equatable, Sendable {
    enum Role: String, Sendable { case user, assistant }

    var role: Role
    var blocks: [ConverseBlock]

    var json: JSONValue { ["role": .string(role.rawValue), "content": .array(blocks.map(\.json))] }

    /// The tools it calls, in their order.
    var calls: [(id: String, name: String)] {
        blocks.compactMap { if case .toolUse(let id, let name, _) = $0 { (id, name) } else { nil } }
    }

    /// The calls it answers.
    var answers: [String] {
        blocks.compactMap { if case .toolResult(let id, _, _) = $0 { id } else { nil } }
    }
}
