/// A command line cut into words as a POSIX shell quotes them, and as Python's `shlex.split` does, which the AWS CLI
/// uses (https://docs.python.org/3/library/shlex.html). Nothing is expanded, nothing is run by a shell.
package enum ShellWords {
    /// - Returns: nil where a quotation is not closed, or the text ends after a backslash.
    package static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = text[...]
        while let character = rest.popFirst() {
            switch (quote, character) {
            case (nil, " "), (nil, "\t"), (nil, "\n"), (nil, "\r"), (nil, "\r\n"):
                if let finished = word { words.append(finished) }
                word = nil
            case (nil, "'"), (nil, "\""):
                quote = character
                word = word ?? ""
            case (nil, "\\"):
                guard let next = rest.popFirst() else { return nil }
                word = (word ?? "") + String(next)
            case ("\"", "\\"):
                guard let next = rest.popFirst() else { return nil }
                // Within double quotes a backslash quotes only these two.
                word = (word ?? "") + (next == "\"" || next == "\\" ? String(next) : "\\\(next)")
            case (let open?, _) where open == character: quote = nil
            default: word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { return nil }
        if let word { words.append(word) }
        return words
    }
}
