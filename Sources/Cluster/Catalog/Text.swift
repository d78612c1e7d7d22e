// Small readings of models.ini's values.

extension StringProtocol {
    var trimmed: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.isSpace }),
            let last = scalars.lastIndex(where: { !$0.isSpace })
        else { return "" }
        return String(String.UnicodeScalarView(scalars[first...last]))
    }

    /// The first run of ASCII digits, if it fits an Int.
    var firstInteger: Int? {
        Int(drop { !$0.isDigit }.prefix { $0.isDigit })
    }

    /// Every `name = number` in the text: what `(\w+)\s*=\s*([0-9.]+)` finds, as written.
    var assignments: [(name: String, value: String)] {
        var found: [(String, String)] = []
        var rest = Substring(self)
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].trimmedEnd.suffix { $0.isLetter || $0.isNumber || $0 == "_" }
            let value = rest[rest.index(after: equals)...].drop { $0.isWhitespace }.prefix { $0.isNumberPart }
            if !name.isEmpty, !value.isEmpty { found.append((String(name), String(value))) }
            rest = rest[rest.index(after: equals)...]
        }
        return found
    }
}

extension Substring {
    fileprivate var trimmedEnd: Substring {
        var end = self
        while let last = end.last, last.isWhitespace { end.removeLast() }
        return end
    }

    fileprivate func suffix(_ predicate: (Character) -> Bool) -> Substring {
        var start = endIndex
        while start > startIndex, predicate(self[index(before: start)]) { start = index(before: start) }
        return self[start...]
    }

}

extension Character {
    fileprivate var isDigit: Bool { isASCII && isNumber }
    var isNumberPart: Bool { isDigit || self == "." }
}
