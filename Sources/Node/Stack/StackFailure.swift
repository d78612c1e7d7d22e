/// What went wrong with the local stack, and what to do next: two lines for people, with a program's own last words
/// between them where there are any.
package struct StackFailure: Error, Equatable, CustomStringConvertible {
    /// One line.
    package var problem: String
    /// Lines of a log that explain it, oldest first.
    package var evidence: [String]
    /// One line, beginning with `fix: ` or `next: `.
    package var advice: String

    package init(_ problem: String, evidence: [String] = [], advice: String) {
        self.problem = problem
        self.evidence = evidence
        self.advice = advice
    }

    package var description: String {
        ([problem] + evidence.map { "  | \($0)" } + ["  \(advice)"]).joined(separator: "\n")
    }
}
