/// The sections and keys of an INI file, each with its line.
///
/// The dialect is that of Python's `configparser` in strict mode without interpolation (the format that models.ini
/// has always had; https://docs.python.org/3.11/library/configparser.html#supported-ini-file-structure): `#` and `;`
/// open a comment at the start of a line, `;` also after white space; the first `=` or `:` ends a key; indented lines
/// continue the value above and are joined by LF; keys ignore case, section names do not.
package struct INIDocument: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        /// Lower case.
        package var key: String
        package var value: String
        package var line: Int
    }

    package struct Section: Equatable, Sendable {
        package var name: String
        package var line: Int
        package var entries: [Entry] = []

        package func entry(_ key: String) -> Entry? {
            entries.first { $0.key == key }
        }
    }

    /// Where a section begins, or goes on: `[DEFAULT]` may do so several times.
    package struct Header: Equatable, Sendable {
        package var name: String
        package var line: Int
    }

    /// All of them, `[DEFAULT]`'s included, in the order of the file.
    package var headers: [Header] = []
    /// `[DEFAULT]`: inherited by every other section.
    package var defaults = Section(name: defaultName, line: 0)
    /// Every other section, in the order of the file.
    package var sections: [Section] = []

    package static let defaultName = "DEFAULT"

    /// The section's own entry, else the one in `[DEFAULT]`.
    package func entry(_ key: String, in section: Section) -> Entry? {
        section.entry(key) ?? defaults.entry(key)
    }

    /// Reads a whole file.
    ///
    /// - Parameter file: the path to name in errors.
    /// - Throws: ``CatalogError`` with the line of the first fault.
    package static func parse(_ text: String, file: String) throws(CatalogError) -> INIDocument {
        var parser = INIParser(file: file)
        for (index, line) in text.unicodeScalars.iniLines.enumerated() {
            try parser.take(line.content(isFirst: index == 0))
        }
        return parser.finish()
    }
}

private struct INIParser {
    let file: String
    var document = INIDocument()
    var number = 0
    /// Index of the open section: nil before the first header, -1 for `[DEFAULT]`.
    var section: Int?
    /// Lines of the value being read; nil when no key is open in this section.
    var value: [[Unicode.Scalar]]?
    var key = ""
    var keyLine = 0
    /// Columns before the open key's first character; a deeper line continues its value.
    var indent = 0

    init(file: String) { self.file = file }

    mutating func take(_ raw: [Unicode.Scalar]) throws(CatalogError) {
        number += 1
        let (content, hadComment) = withoutComment(raw)
        if content.isEmpty {
            if hadComment { return }
            value?.append([])
            return
        }
        let depth = raw.firstIndex { !$0.isSpace } ?? 0
        if value != nil, depth > indent {
            value?.append(content)
            return
        }
        indent = depth
        if content.first == "[", let end = content.lastIndex(of: "]"), end > 1 {
            try open(String(Array(content[1..<end])))
        } else {
            try entry(content)
        }
    }

    mutating func finish() -> INIDocument {
        close()
        return document
    }

    private func withoutComment(_ raw: [Unicode.Scalar]) -> ([Unicode.Scalar], Bool) {
        let stripped = raw.stripped
        if let first = stripped.first, first == "#" || first == ";" { return ([], true) }
        for (index, scalar) in raw.enumerated() where scalar == ";" && index > 0 && raw[index - 1].isSpace {
            return (Array(raw[..<index]).stripped, true)
        }
        return (stripped, false)
    }

    private mutating func open(_ name: String) throws(CatalogError) {
        close()
        document.headers.append(.init(name: name, line: number))
        if name == INIDocument.defaultName {
            section = -1
            return
        }
        if let earlier = document.sections.first(where: { $0.name == name }) {
            throw CatalogError(
                file: file, line: number,
                problem: "section [\(name)] appears twice (first on line \(earlier.line))",
                fix: "merge the two sections, or rename one of them")
        }
        document.sections.append(.init(name: name, line: number))
        section = document.sections.count - 1
    }

    private mutating func entry(_ content: [Unicode.Scalar]) throws(CatalogError) {
        let shown = String(content)
        let delimiter = content.firstIndex { $0 == "=" || $0 == ":" }
        if content.first == "[", content.count > 1, delimiter == nil, content.firstIndex(of: "]") == nil {
            throw CatalogError(
                file: file, line: number, problem: "\"\(shown)\" is a section header without its ]",
                fix: "write it as \(shown)]")
        }
        guard section != nil else {
            throw CatalogError(
                file: file, line: number,
                problem: "\"\(shown)\" stands before the first section header",
                fix: "put a header such as [DEFAULT] or [code-smart] on a line above it")
        }
        guard let delimiter, delimiter > 0 else {
            throw CatalogError(
                file: file, line: number,
                problem: "\"\(shown)\" is neither a section header nor a key with a value",
                fix: "write it as key = value, or make it a comment with # in front")
        }
        close()
        key = String(Array(content[..<delimiter]).stripped).lowercased()
        keyLine = number
        value = [Array(content[(delimiter + 1)...]).stripped]
        let existing = section == -1 ? document.defaults : document.sections[section ?? 0]
        if let earlier = existing.entry(key) {
            throw CatalogError(
                file: file, line: number,
                problem: "key \"\(key)\" appears twice in [\(existing.name)] (first on line \(earlier.line))",
                fix: "delete one of the two lines")
        }
        store()
    }

    /// Writes the open entry, so that a duplicate is seen on its own line; its value may still grow.
    private mutating func store() {
        guard let value, let section else { return }
        var lines = value
        while let last = lines.last, last.isEmpty, lines.count > 1 { lines.removeLast() }
        let text = lines.map { String($0) }.joined(separator: "\n")
        let entry = INIDocument.Entry(key: key, value: text, line: keyLine)
        func put(_ target: inout INIDocument.Section) {
            if target.entries.last?.line == keyLine { target.entries.removeLast() }
            target.entries.append(entry)
        }
        if section == -1 { put(&document.defaults) } else { put(&document.sections[section]) }
    }

    private mutating func close() {
        store()
        value = nil
    }
}

extension Unicode.Scalar {
    static let byteOrderMark: Unicode.Scalar = "\u{FEFF}"
}

extension String.UnicodeScalarView {
    /// Lines as a text file has them: ended by LF, CR LF or CR. Each with its end, so that all of them are the text.
    var iniLines: [SubSequence] {
        var lines: [SubSequence] = []
        var start = startIndex
        var index = startIndex
        while index < endIndex {
            let scalar = self[index]
            formIndex(after: &index)
            guard scalar == "\n" || scalar == "\r" else { continue }
            if scalar == "\r", index < endIndex, self[index] == "\n" { formIndex(after: &index) }
            lines.append(self[start..<index])
            start = index
        }
        if start < endIndex { lines.append(self[start...]) }
        return lines
    }
}

extension Substring.UnicodeScalarView {
    /// Of a line: without its end. A byte-order mark at the start of a file is not part of its first line.
    fileprivate func content(isFirst: Bool) -> [Unicode.Scalar] {
        var content = self
        while let last = content.last, last == "\n" || last == "\r" { content.removeLast() }
        if isFirst, content.first == .byteOrderMark { content.removeFirst() }
        return Array(content)
    }
}

extension String {
    fileprivate init(_ scalars: [Unicode.Scalar]) {
        self.init(String.UnicodeScalarView(scalars))
    }
}

extension [Unicode.Scalar] {
    fileprivate var stripped: [Unicode.Scalar] {
        guard let first = firstIndex(where: { !$0.isSpace }), let last = lastIndex(where: { !$0.isSpace }) else {
            return []
        }
        return Array(self[first...last])
    }
}
