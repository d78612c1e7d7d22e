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
        let verbs = LLMStack.configuration.subcommands.map { $0._commandName }
        return verbs.contains(verb) ? nil : verb
    }

    /// Whether a shell evaluates what comes out: then help and errors must not be among it.
    var isForEval: Bool { words.first.map { ["activate", "reload"].contains($0) } ?? false }
}
