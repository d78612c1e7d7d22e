/// Which set of models a project runs on, or whose.
package enum Channel: Equatable, Sendable {
    /// The weights in `hf_file`, the model in `aws_model_id`.
    case current
    /// What is queued beside them in `hf_file_next` and `aws_model_id_next`.
    case next
    /// Another host's router, by URL without a trailing slash: this project is a thin client.
    case external(String)

    /// The router of this host: what a thin client talks to when nobody says otherwise.
    package static let defaultRemote = "http://127.0.0.1:10101"

    /// The word in markers and prompts.
    package var name: String {
        switch self {
        case .current: "current"
        case .next: "next"
        case .external: "external"
        }
    }

    /// Whether the stack is this host's own.
    package var isLocal: Bool { if case .external = self { false } else { true } }

    package var usesNext: Bool { self == .next }

    /// `<channel>[ <url>]` and a line feed.
    package var marker: String {
        switch self {
        case .current, .next: "\(name)\n"
        case .external(let url): "external \(url)\n"
        }
    }

    /// Reads a marker: trimmed, then parted once at white space. An unknown word is nil.
    package init?(marker: String) {
        let words = marker.split(maxSplits: 1, whereSeparator: \.isWhitespace)
        let rest = words.count > 1 ? words[1].drop(while: \.isWhitespace) : ""
        var url = String(rest.split(whereSeparator: \.isWhitespace).first ?? "")
        while url.hasSuffix("/") { url.removeLast() }
        switch words.first {
        case "current": self = .current
        case "next": self = .next
        case "external": self = .external(url.isEmpty ? Self.defaultRemote : url)
        default: return nil
        }
    }
}
