/// A command of llama-swap.yaml as its words, split as a shell would split them. No shell is involved: nothing is
/// expanded, globbed or substituted.
package struct CommandWords: Equatable, Sendable {
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case openQuote
        case empty

        package var description: String {
            switch self {
            case .openQuote: "a quote is not closed"
            case .empty: "the command is empty"
            }
        }
    }

    package var words: [String]

    /// Lines that begin with `#` are comments; a line break is white space.
    package init(_ text: String) throws(Failure) {
        let lines = text.split(separator: "\n").filter { line in line.first { $0 != " " && $0 != "\t" } != "#" }
        var words: [String] = []
        var word: String?
        var quote: Character?
        var characters = lines.joined(separator: "\n")[...]
        while let character = characters.popFirst() {
            switch (character, quote) {
            case ("\\", nil):
                if let escaped = characters.popFirst(), escaped != "\n" { word = (word ?? "") + String(escaped) }
            case ("\\", "\"") where characters.first == "\"" || characters.first == "\\":
                word = (word ?? "") + String(characters.removeFirst())
            case ("\"", nil), ("'", nil):
                quote = character
                word = word ?? ""
            case (let character, let open?):
                if character == open { quote = nil } else { word?.append(character) }
            case (" ", nil), ("\t", nil), ("\n", nil):
                if let finished = word { words.append(finished) }
                word = nil
            default:
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { throw .openQuote }
        if let finished = word { words.append(finished) }
        guard !words.isEmpty else { throw .empty }
        self.words = words
    }
}
