/// Words that give a request's intent away, in a small notation of its own:
///
/// | written | means |
/// | --- | --- |
/// | `should we` | these words, whatever white space is between them |
/// | `how would you\|we` | either word in that place |
/// | `fix [this\|the] bug\|test` | a word that may be left out; the space after it may be missing too |
///
/// Case is ignored. A phrase begins and ends at a word boundary: `plan` is not in `plans`.
package struct Phrase: Equatable, Sendable, CustomStringConvertible {
    /// As written.
    package let text: String
    let places: [Place]

    struct Place: Equatable, Sendable {
        var words: [[Unicode.Scalar]]
        var isOptional: Bool
    }

    /// Phrases that one list of `[ROUTING]` may add: each makes the automaton larger.
    package static let listLimit = 100
    /// Characters in one phrase, for the same reason.
    package static let lengthLimit = 200

    /// What is wrong with a phrase, in a few words.
    package struct Invalid: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package init(_ text: String) throws(Invalid) {
        guard text.unicodeScalars.count <= Self.lengthLimit else {
            throw Invalid(description: "a phrase of more than \(Self.lengthLimit) characters")
        }
        var places: [Place] = []
        for word in text.unicodeScalars.split(whereSeparator: \.isSpace) {
            var body = word
            let isOptional = body.first == "["
            if isOptional {
                guard body.last == "]", body.count > 2 else {
                    throw Invalid(description: "\"\(text)\" has a [ without its ] in the same word")
                }
                body = body.dropFirst().dropLast()
            }
            guard !body.contains(where: { $0 == "[" || $0 == "]" }) else {
                throw Invalid(description: "\"\(text)\" has a bracket within a word")
            }
            let words = body.split(separator: "|", omittingEmptySubsequences: false).map { $0.map(\.caseFolded) }
            guard words.allSatisfy({ !$0.isEmpty }) else {
                throw Invalid(description: "\"\(text)\" has a | without a word on both sides")
            }
            places.append(Place(words: words, isOptional: isOptional))
        }
        guard let first = places.first, let last = places.last, !first.isOptional, !last.isOptional else {
            throw Invalid(description: "\"\(text)\" must begin and end with a word that is not optional")
        }
        self.text = text
        self.places = places
    }

    package var description: String { text }

    /// `\bfirst\s+(?:optional)?\s*last\b`; the boundary is asked for only beside a word character.
    var pattern: Pattern {
        var parts: [Pattern] = []
        for (index, place) in places.enumerated() {
            let word = Pattern.any(of: place.words.map { .text($0) })
            if index > 0 { parts.append(places[index - 1].isOptional ? .many(.space) : .some(.space)) }
            parts.append(place.isOptional ? .optional(word) : word)
        }
        let edges = places.first.map { $0.words.allSatisfy { $0.first?.isWord ?? false } } ?? false
        let ends = places.last.map { $0.words.allSatisfy { $0.last?.isWord ?? false } } ?? false
        return .sequence((edges ? [.wordBoundary] : []) + parts + (ends ? [.wordBoundary] : []))
    }
}

extension Phrase: ExpressibleByStringLiteral {
    /// For the built-in lists only: a test reads them all.
    package init(stringLiteral text: StaticString) {
        do { try self.init("\(text)") } catch { preconditionFailure(error.description) }
    }
}
