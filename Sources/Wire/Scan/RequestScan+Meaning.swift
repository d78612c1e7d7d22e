import Cluster

/// What the values mean that the scan comes by: which of them are models, messages, texts.
extension RequestScan {
    private static let words = (
        model: ShortWord("model"), messages: ShortWord("messages"), prompt: ShortWord("prompt"),
        tools: ShortWord("tools"), stream: ShortWord("stream"), role: ShortWord("role"),
        content: ShortWord("content"), text: ShortWord("text"), user: ShortWord("user"),
        system: ShortWord("system"), auto: ShortWord("auto"), maxTokens: ShortWord("max_tokens"),
        maxCompletionTokens: ShortWord("max_completion_tokens")
    )

    /// What the member is whose key was just read.
    var memberSlot: Slot {
        switch Slot(rawValue: structure.slot) {
        case .root:
            switch word {
            case Self.words.model: .model
            case Self.words.messages: .messages
            case Self.words.prompt: .prompt
            case Self.words.tools: .tools
            case Self.words.stream: .stream
            case Self.words.maxTokens, Self.words.maxCompletionTokens: .outputLimit
            default: .other
            }
        case .message: word == Self.words.role ? .role : word == Self.words.content ? .content : .other
        case .part: word == Self.words.text ? .text : .other
        default: .other
        }
    }

    /// What the elements of the innermost array are.
    var elementSlot: Slot {
        switch Slot(rawValue: structure.slot) {
        case .messages: .message
        case .content: .part
        default: .other
        }
    }

    mutating func open(object: Bool) {
        switch slot {
        case .root:
            isObject = object
            request.insertionPoint = valueStart + 1
            if !object { slot = .other }
        case .messages:
            forgetConversation()
            if object { slot = .other }
        case .message:
            message = Message()
            conversation.begin(isObject: object)
            if !object { slot = .other }
        case .content:
            message.content = TextFacts()
            message.contentIsText = !object
            message.contentIsString = false
            beginText()
            message.parts = 0
            if object { slot = .other }
        case .part: if !object { slot = .other }
        case .prompt:
            forgetPrompt()
            slot = .other
        case .role: message.role = ShortWord()
        case .tools: request.facts.hasTools = false
        case .model: modelStart = valueStart
        case .text, .stream, .outputLimit, .other: break
        }
    }

    mutating func closed(isEmpty: Bool, at end: Int) {
        switch slot {
        case .message:
            conversation.end(
                message, isUser: message.role == Self.words.user, isSystem: message.role == Self.words.system)
        case .content: message.content = TextFacts(&text)
        case .model:
            request.modelRanges.append(modelStart..<end)
            request.model = .invalid
        case .tools: request.facts.hasTools = !isEmpty
        case .stream: request.wantsStream = !isEmpty
        case .root, .messages, .role, .part, .text, .prompt, .outputLimit, .other: break
        }
    }

    mutating func beginString() {
        switch slot {
        case .content, .prompt:
            if slot == .prompt { forgetPrompt() }
            beginText()
            readsText = true
        case .text:
            if message.parts > 0 { text.breakPart() }
            message.parts += 1
            readsText = true
        default: readsText = false
        }
    }

    /// Texts are judged together: what is known of the others tells what is still worth looking for in this one.
    mutating func beginText() {
        text.restart(
            after: conversation.signals.union(prompt.signals), characters: conversation.characters + prompt.characters)
    }

    mutating func forgetConversation() {
        if conversation.messages > 0, text.hasSkipped { mustBeRepeated = true }
        conversation = Conversation()
    }

    mutating func forgetPrompt() {
        if prompt.characters > 0, text.hasSkipped { mustBeRepeated = true }
        prompt = TextFacts()
    }

    mutating func stringValue(at end: Int) {
        readsText = false
        switch slot {
        case .content:
            message.content = TextFacts(&text)
            message.contentIsText = true
            message.contentIsString = true
        case .prompt: prompt = TextFacts(&text)
        case .role: message.role = word
        case .model:
            request.modelRanges.append(valueStart..<end)
            request.model = word.isEmpty || word == Self.words.auto ? .auto : .concrete
        case .text: break
        default: scalarValue(at: end, isTrue: end - valueStart > 2, isNull: false)
        }
    }

    mutating func scalarValue(at end: Int, isTrue: Bool, isNull: Bool) {
        switch slot {
        case .root: isObject = false
        case .model:
            request.modelRanges.append(valueStart..<end)
            request.model = isNull ? .auto : .concrete
        case .messages: forgetConversation()
        case .message: conversation.begin(isObject: false)
        case .content:
            message.content = TextFacts()
            message.contentIsText = false
        case .role: message.role = ShortWord()
        case .prompt: forgetPrompt()
        case .tools: request.facts.hasTools = isTrue
        case .stream: request.wantsStream = isTrue
        case .part, .text, .outputLimit, .other: break
        }
    }
}
