/// A regular expression over character classes: as much of one as the ladder needs.
indirect enum Pattern: Sendable {
    case text([Unicode.Scalar])
    /// `\s`.
    case space
    /// `\s`, or the break between two parts of a message.
    case spaceAcrossParts
    /// One character out of these.
    case one([Unicode.Scalar])
    case sequence([Pattern])
    case any(of: [Pattern])
    case optional(Pattern)
    case many(Pattern)
    case some(Pattern)
    case wordBoundary
    /// At the start of a text or of a part, and after LF.
    case lineStart

    static func text(_ string: String) -> Pattern { .text(Array(string.unicodeScalars)) }
}

extension Pattern {
    /// `[word]` anywhere, or a line that starts with `word:`.
    private static func trigger(bracketed: [String], lineStart words: [String]) -> Pattern {
        .any(of: [
            .sequence([.text("["), .any(of: bracketed.map { .text($0) }), .text("]")]),
            .sequence([
                .lineStart, .many(.one([" ", "\t"])), .any(of: words.map { .text($0) }), .many(.spaceAcrossParts),
                .text(":"),
            ]),
        ])
    }

    static let uncensoredTrigger = trigger(
        bracketed: ["nofilter", "no-filter", "uncensored", "heretic"],
        lineStart: ["nofilter", "no-filter", "uncensored"])

    static let ultraTrigger = trigger(bracketed: ["ultra", "opus"], lineStart: ["ultra", "opus"])
}
