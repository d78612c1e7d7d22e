/// What a node says to a request that wants to be let in.
package enum AdmissionAnswer: Equatable, Sendable {
    /// It may go to llama-swap. Nothing follows.
    case admitted
    /// It waits; what comes of it follows.
    ///
    /// - Parameters:
    ///   - position: how many of those that wait are before it: 0 is next.
    ///   - seconds: until a slot is expected to begin with it.
    case queued(position: Int, seconds: Double)
    /// Nothing follows, and its place, if it had one, is free.
    case refused(AdmissionRefusal)

    /// Whether nothing follows.
    package var isFinal: Bool {
        if case .queued = self { false } else { true }
    }
}

/// Why a node does not let a request in, and when to try again.
package struct AdmissionRefusal: Equatable, Sendable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        /// As many wait as may.
        case queueFull
        /// It has waited as long as a client's patience lasts.
        case tooLate
    }

    package var reason: Reason
    /// Whole seconds, at least one: when it is expected to go better.
    package var retryAfter: Int
    /// The tier's name.
    package var tier: String
    /// Requests that waited when it was refused, itself not among them.
    package var waiting: Int

    package init(_ reason: Reason, retryAfter: Int, tier: String, waiting: Int) {
        self.reason = reason
        self.retryAfter = retryAfter
        self.tier = tier
        self.waiting = waiting
    }

    /// For people.
    package var description: String {
        let again = "Try again in \(retryAfter) s."
        return switch reason {
        case .queueFull: "The tier \"\(tier)\" is busy and \(waiting) requests wait for it already. \(again)"
        case .tooLate:
            "The tier \"\(tier)\" was busy for as long as this request could wait (\(Int(TierAdmission.patience)) s). "
                + again
        }
    }
}

/// An answer and whose it is.
package struct AdmissionNews: Equatable, Sendable {
    package var ticket: AdmissionTicket
    package var answer: AdmissionAnswer

    package init(_ ticket: AdmissionTicket, _ answer: AdmissionAnswer) {
        self.ticket = ticket
        self.answer = answer
    }
}
