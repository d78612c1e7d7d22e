/// What a tier is for. Aliases, idle time and the place in the matrix follow from it.
package enum Role: Equatable, Sendable {
    /// Small and always resident: completion, titles, quick answers.
    case fast
    /// The heavy coder: edits, tool calls.
    case agent
    case plan
    case planUncensored
    /// Any other word, kept as written (`ultra`, `embed`); empty when the tier names no role.
    case other(String)

    package init(_ text: String) {
        switch text {
        case "fast": self = .fast
        case "agent": self = .agent
        case "plan": self = .plan
        case "plan-uncensored": self = .planUncensored
        default: self = .other(text)
        }
    }

    /// The word in models.ini.
    package var name: String {
        switch self {
        case .fast: "fast"
        case .agent: "agent"
        case .plan: "plan"
        case .planUncensored: "plan-uncensored"
        case .other(let name): name
        }
    }

    /// The aliases of a tier that lists none of its own.
    package var aliases: [String] {
        switch self {
        case .fast: ["fast", "small", "autocomplete"]
        case .agent: ["agent", "smart", "code", "coder"]
        case .plan: ["plan", "planner", "chat"]
        case .planUncensored: ["uncensored", "nofilter", "plan-nofilter", "heretic"]
        case .other(let name): [name]
        }
    }

    /// Seconds after its last request until an idle model is unloaded; 0 keeps it resident.
    package var idleSeconds: Int {
        switch self {
        case .fast: 0
        case .agent: 1800
        case .plan, .planUncensored, .other: 1200
        }
    }
}
