/// What the ladder wants to know of a request. It says nothing of a request's text but this.
package struct RequestFacts: Equatable, Sendable, Codable {
    /// Of all messages and the prompt.
    package var signals: Signals = []
    /// Of the latest user message and the system prompts.
    package var triggers: Signals = []
    /// Unicode code points over all message texts and the prompt.
    package var characters = 0
    /// Messages, whoever they are from.
    package var turns = 0
    package var hasTools = false

    package init() {}

    /// Four characters a token: the document's estimate.
    package var estimatedTokens: Int { characters / 4 }
}
