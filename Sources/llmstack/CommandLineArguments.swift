import ArgumentParser

/// What was typed, after spellings that stand for others are replaced.
struct CommandLineArguments {
    let words: [String]

    private static let otherSpellings = ["version": "--version", "-V": "--version", "download-models": "download"]

    init(_ typed: [String]) {
        guard var verb = typed.first else {
            words = ["--help"]
            return
        }
        if !verb.hasPrefix("-") { verb = String(verb.map { $0 == "_" ? "-" : $0 }) }
        words = [Self.otherSpellings[verb] ?? verb] + typed.dropFirst()
    }

    /// The first word, when it is meant as a verb but is none.
    var unknownVerb: String? {
        guard let verb = words.first, !verb.hasPrefix("-"), verb != "help" else { return nil }
        return Self.verbs.contains(verb) ? nil : verb
    }

    private static var verbs: [String] { LLMStack.configuration.subcommands.map { $0._commandName } }

    /// The verb that is meant by one that is none, where one is close.
    static func likely(_ typed: String) -> String? {
        let near = verbs.map { (verb: $0, slips: slips(Array(typed), Array($0))) }.min { $0.slips < $1.slips }
        guard let near, near.slips <= max(1, near.verb.count / 3) else { return nil }
        return near.verb
    }

    /// How many letters have to be put in, left out, changed or swapped with the next to make one word of the other.
    private static func slips(_ word: [Character], _ other: [Character]) -> Int {
        var (before, last) = ([Int](), Array(0...other.count))
        for (row, letter) in word.enumerated() {
            var next = [row + 1]
            for (column, wanted) in other.enumerated() {
                var count = min(last[column] + (letter == wanted ? 0 : 1), last[column + 1] + 1, next[column] + 1)
                if row > 0, column > 0, letter == other[column - 1], word[row - 1] == wanted {
                    count = min(count, before[column - 1] + 1)
                }
                next.append(count)
            }
            (before, last) = (last, next)
        }
        return last[other.count]
    }

    /// Whether a shell evaluates what comes out: then help and errors must not be among it.
    var isForEval: Bool { words.first.map { ["activate", "reload", "completions"].contains($0) } ?? false }
}
