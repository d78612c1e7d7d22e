import Cluster

/// Length and signals of one text.
struct TextFacts {
    var characters = 0
    var signals: Signals = []

    init() {}

    /// Ends the reader's text.
    init(_ reader: inout TextReader) {
        (signals, characters) = reader.finish()
    }
}

/// The message that is being read.
struct Message {
    var role = ShortWord()
    var content = TextFacts()
    /// A string or a list: what counts as the latest user message.
    var contentIsText = false
    /// A string: what counts in a system prompt.
    var contentIsString = false
    /// Texts read in a list so far.
    var parts = 0
}

/// The messages read so far.
struct Conversation {
    private(set) var messages = 0
    private(set) var characters = 0
    private(set) var signals: Signals = []
    private(set) var badMessage: Int?
    private var latestUser: Signals = []
    private var system: Signals = []

    var triggers: Signals { latestUser.union(system).intersection(.triggers) }

    mutating func begin(isObject: Bool) {
        if !isObject, badMessage == nil { badMessage = messages }
        messages += 1
    }

    mutating func end(_ message: Message, isUser: Bool, isSystem: Bool) {
        characters += message.content.characters
        signals.formUnion(message.content.signals)
        if isUser, message.contentIsText { latestUser = message.content.signals }
        if isSystem, message.contentIsString { system.formUnion(message.content.signals) }
    }
}
