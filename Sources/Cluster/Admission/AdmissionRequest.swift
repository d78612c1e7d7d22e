/// A request that wants onto a tier of this host.
package struct AdmissionRequest: Equatable, Sendable {
    /// Its name on the way from the router that placed it.
    package var id: String
    /// Who sent it; empty where nobody knows. For fairness among clients, which is to come.
    package var client: String
    /// Estimated tokens of the prompt.
    package var promptTokens: Int
    /// Tokens that the reply may have, where the request says so.
    package var outputTokens: Int?

    package init(id: String, client: String = "", promptTokens: Int, outputTokens: Int? = nil) {
        self.id = id
        self.client = client
        self.promptTokens = promptTokens
        self.outputTokens = outputTokens
    }
}

/// One request's place at a tier, from asking for it to leaving.
package struct AdmissionTicket: Hashable, Sendable {
    package var number: UInt64
    package var tier: String

    package init(number: UInt64, tier: String) {
        self.number = number
        self.tier = tier
    }
}

/// What a request is told.
package enum AdmissionAnswer: Equatable, Sendable {
    case admitted
    /// - position: 0 is next; seconds: until its turn, about.
    case queued(position: Int, seconds: Double)
    case refused(AdmissionRefusal)
}

/// Why a request is not taken.
package struct AdmissionRefusal: Equatable, Sendable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        case queueFull(waiting: Int)
        case waitedTooLong(seconds: Double)
    }

    package var reason: Reason
    /// Seconds after which another try makes sense; at least 1.
    package var retryAfter: Int

    package init(_ reason: Reason, retryAfter: Int) {
        self.reason = reason
        self.retryAfter = retryAfter
    }

    package var description: String {
        switch reason {
        case .queueFull(let waiting): "\(waiting) requests wait already"
        case .waitedTooLong(let seconds): "its turn did not come within \(Int(seconds)) s"
        }
    }
}
