import Foundation

/// Compares a JSON value with an expectation that may hold matchers: `{"$any_string": [pieces]}`, `{"$pattern": re}`,
/// `{"$contains": {members}}`, `{"$any": true}`.
enum Expectation {
    /// - Returns: what differs first; nil when nothing does.
    static func difference(_ expected: Any, _ actual: Any?, at path: String = "$") -> String? {
        if let matcher = expected as? [String: Any], matcher.count == 1, let (name, argument) = matcher.first,
            name.hasPrefix("$")
        {
            return matches(name, argument, actual, at: path)
        }
        switch (expected, actual) {
        case (let expected as [String: Any], let actual as [String: Any]):
            for key in Set(expected.keys).union(actual.keys).sorted() {
                guard let wanted = expected[key] else { return "\(path).\(key) is not expected" }
                if let difference = difference(wanted, actual[key], at: "\(path).\(key)") { return difference }
            }
            return nil
        case (let expected as [Any], let actual as [Any]):
            guard expected.count == actual.count else {
                return "\(path) has \(actual.count) of \(expected.count) elements"
            }
            for (index, pair) in zip(expected, actual).enumerated() {
                if let difference = difference(pair.0, pair.1, at: "\(path)[\(index)]") { return difference }
            }
            return nil
        case (let expected as NSObject, let actual as NSObject) where expected == actual: return nil
        default: return "\(path) is \(actual.map { "\($0)" } ?? "missing"), not \(expected)"
        }
    }

    private static func matches(_ name: String, _ argument: Any, _ actual: Any?, at path: String) -> String? {
        switch name {
        case "$any": return nil
        case "$any_string":
            guard let text = actual as? String, !text.isEmpty,
                (argument as? [String] ?? []).allSatisfy({ text.contains($0) })
            else { return "\(path) is \(actual ?? "missing"), not a string with \(argument)" }
            return nil
        case "$pattern":
            guard let text = actual as? String, let pattern = argument as? String,
                text.range(of: "^(?:\(pattern))$", options: .regularExpression) != nil
            else { return "\(path) is \(actual ?? "missing"), not like \(argument)" }
            return nil
        case "$contains":
            guard let members = argument as? [String: Any], let object = actual as? [String: Any] else {
                return "\(path) is no object"
            }
            return members.lazy.compactMap { difference($0.value, object[$0.key], at: "\(path).\($0.key)") }.first
        default: return "\(path): the matcher \(name) is unknown"
        }
    }
}
