/// Which of OpenAI's two endpoints a reply is for.
package enum CompletionKind: Sendable, Equatable {
    /// `/v1/chat/completions`
    case chat
    /// `/v1/completions`
    case text

    /// - Returns: nil for a path that a hosted tier cannot answer. A query does not matter.
    package init?(path: String) {
        switch path.prefix(while: { $0 != "?" }) {
        case "/v1/chat/completions": self = .chat
        case "/v1/completions": self = .text
        default: return nil
        }
    }
}

/// What the shape of a reply takes from its request.
package struct ReplyShape: Sendable, Equatable {
    package var kind: CompletionKind
    /// The tier's name: what `model` says in every reply, whatever alias was asked for.
    package var model: String
    /// `stream_options.include_usage`: a stream has one more chunk, which counts tokens.
    package var includesUsage: Bool

    package init(kind: CompletionKind, model: String, includesUsage: Bool = false) {
        self.kind = kind
        self.model = model
        self.includesUsage = includesUsage
    }
}

/// What tells one reply from another.
package struct ReplyStamp: Sendable, Equatable {
    /// `chatcmpl-` or `cmpl-`, and 24 hexadecimal digits.
    package var id: String
    /// Seconds since 1970.
    package var created: Int

    package init(id: String, created: Int) {
        self.id = id
        self.created = created
    }

    package init(_ kind: CompletionKind, created: Int) {
        var generator = SystemRandomNumberGenerator()
        self.init(kind, created: created, using: &generator)
    }

    package init(_ kind: CompletionKind, created: Int, using generator: inout some RandomNumberGenerator) {
        let prefix = kind == .chat ? "chatcmpl-" : "cmpl-"
        let high = UInt64.random(in: 0...(UInt64.max >> 16), using: &generator)
        let low = UInt64.random(in: 0...(UInt64.max >> 16), using: &generator)
        id = prefix + high.hex(digits: 12) + low.hex(digits: 12)
        self.created = created
    }
}

/// Why a model stopped, and how many tokens that took, in OpenAI's words.
enum FinishReason: String {
    case stop, length
    case toolCalls = "tool_calls"
    case contentFilter = "content_filter"
    /// Not OpenAI's: the reply broke off.
    case error

    /// What Converse calls `stopReason`. A reason that is not known yet is as good as the usual one.
    init(stopReason: String?) {
        switch stopReason {
        case "tool_use": self = .toolCalls
        case "max_tokens", "model_context_window_exceeded": self = .length
        case "guardrail_intervened", "content_filtered": self = .contentFilter
        default: self = .stop
        }
    }
}

/// Tokens of one exchange. What Converse counts as read from or written to a cache is not among them.
struct TokenUsage: Equatable, Sendable {
    var prompt = 0
    var completion = 0
    var total = 0

    /// Counts that are missing are 0; a missing total is the sum.
    init(_ usage: JSONValue?) {
        prompt = usage?["inputTokens"]?.integer ?? 0
        completion = usage?["outputTokens"]?.integer ?? 0
        let sum = prompt.addingReportingOverflow(completion)
        total = usage?["totalTokens"]?.integer ?? (sum.overflow ? .max : sum.partialValue)
    }

    var json: JSONValue {
        [
            "prompt_tokens": .number(String(prompt)), "completion_tokens": .number(String(completion)),
            "total_tokens": .number(String(total)),
        ]
    }
}

extension UInt64 {
    /// Its lowest digits in base 16, with leading zeros.
    func hex(digits: Int) -> String {
        let text = String(self, radix: 16)
        return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text.suffix(digits)
    }
}
