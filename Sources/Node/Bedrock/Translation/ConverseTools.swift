/// Converse's `toolConfig`.
struct ConverseTools {
    /// nil where no tool is offered.
    let json: JSONValue?

    /// - Throws: for a `tool_choice` that cannot be honoured.
    init(_ request: JSONObject, conversation: ConverseConversation) throws(ConverseRefusal) {
        let choice = try ToolChoice(request["tool_choice"])
        let offered = choice == .none ? [] : (request["tools"]?.elements ?? []).compactMap(Self.specification)
        if case .tool(let name) = choice, !offered.contains(where: { $0.name == name }) {
            throw ConverseRefusal("invalid_value", "tool_choice asks for the tool \(name), which is not among tools.")
        }
        if choice == .any, offered.isEmpty {
            throw ConverseRefusal("invalid_value", "tool_choice asks for a tool, and tools has none.")
        }
        // A conversation with tool calls in it is refused when no tool is declared: stand-ins name those it used.
        let specifications = offered.isEmpty ? Self.standIns(for: conversation) : offered.map(\.json)
        guard !specifications.isEmpty else {
            json = nil
            return
        }
        var config = JSONObject()
        config["tools"] = .array(specifications)
        config["toolChoice"] = choice.json
        json = .object(config)
    }

    /// A tool without a name is nothing that a model could call.
    private static func specification(_ tool: JSONValue) -> (name: String, json: JSONValue)? {
        guard let function = tool["function"], let name = function["name"]?.text, !name.isEmpty else { return nil }
        var specification = JSONObject()
        specification["name"] = .string(name)
        // Converse refuses an empty description, but not a missing one.
        if let description = function["description"]?.text, !description.isEmpty {
            specification["description"] = .string(description)
        }
        var schema: JSONValue = ["type": "object", "properties": [:]]
        if let parameters = function["parameters"], let object = parameters.object, !object.members.isEmpty {
            schema = parameters
        }
        specification["inputSchema"] = ["json": schema]
        return (name, ["toolSpec": .object(specification)])
    }

    /// In the order of their names.
    private static func standIns(for conversation: ConverseConversation) -> [JSONValue] {
        let called = Set(conversation.turns.flatMap { $0.calls.map(\.name) })
        let hasResults = conversation.turns.contains { !$0.answers.isEmpty }
        let names = called.isEmpty && hasResults ? ["unnamed"] : called.sorted()
        return names.map { name in
            [
                "toolSpec": [
                    "name": .string(name),
                    "description": "Used earlier in this conversation; not available now, do not call it.",
                    "inputSchema": ["json": ["type": "object"]],
                ]
            ]
        }
    }
}

/// Whether a model may, must or must not call a tool.
private enum ToolChoice: Equatable {
    case auto, any, none
    case tool(String)

    init(_ value: JSONValue?) throws(ConverseRefusal) {
        guard let value, value != .null else {
            self = .auto
            return
        }
        let function = value["function"]?["name"]?.text ?? value["name"]?.text
        switch (value.text ?? value["type"]?.text, function) {
        case ("auto", _): self = .auto
        case ("none", _): self = .none
        case ("required", _), ("any", _): self = .any
        case ("function", let name?), ("tool", let name?), (nil, let name?): self = .tool(name)
        default:
            throw ConverseRefusal(
                "invalid_value", "A hosted tier knows the tool_choice auto, none, required, and one function by name.")
        }
    }

    /// nil where Converse's default says it.
    var json: JSONValue? {
        switch self {
        case .auto, .none: nil
        case .any: ["any": [:]]
        case .tool(let name): ["tool": ["name": .string(name)]]
        }
    }
}
