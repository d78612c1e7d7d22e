/// A request as far as a node must know it to say when its turn is.
package struct AdmissionRequest: Equatable, Sendable {
    /// The same on each node that the request comes to: what `x-llmstack-request` carries. A router finds its request by
    /// it among those that a node tells of as waiting.
    package var id: String
    /// Whom to be fair to: the key of whoever asks. Not looked at yet.
    package var client: String
    /// An estimate.
    package var promptTokens: Int
    /// How long the reply is expected to be; nil when nobody can tell.
    package var outputTokens: Int?

    package init(id: String, client: String = "", promptTokens: Int, outputTokens: Int? = nil) {
        self.id = id
        self.client = client
        self.promptTokens = promptTokens
        self.outputTokens = outputTokens
    }
}

/// One request's place at one tier, from asking to leaving.
package struct AdmissionTicket: Hashable, Sendable {
    /// Never given twice by one node while it runs; later ones are larger.
    package var number: UInt64
    /// The tier's name.
    package var tier: String

    package init(number: UInt64, tier: String) {
        self.number = number
        self.tier = tier
    }
}
