/// What is wrong in a models.ini, where, and what to do about it.
///
/// ```
/// /home/ada/.llmstack/models.ini:12: key "role" appears twice in [plan] (first on line 8)
///   fix: delete one of the two lines
/// ```
package struct CatalogError: Error, Equatable, CustomStringConvertible {
    /// Path of the file as the caller named it.
    package var file: String
    /// One-based line number; nil when the fault is the file's as a whole.
    package var line: Int?
    /// What was found, in one line.
    package var problem: String
    /// What to do next, in one line.
    package var fix: String

    package init(file: String, line: Int?, problem: String, fix: String) {
        self.file = file
        self.line = line
        self.problem = problem
        self.fix = fix
    }

    package var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return "\(place): \(problem)\n  fix: \(fix)"
    }
}
