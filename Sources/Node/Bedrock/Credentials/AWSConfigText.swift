/// The sections of one of AWS's configuration files, as they stand there.
///
/// The dialect is that of the AWS CLI, which reads them with Python's `configparser` and its defaults
/// (https://docs.python.org/3/library/configparser.html#supported-ini-file-structure): unlike models.ini, nothing
/// opens a comment within a line. A value that begins on the line after its key is a table of `name = value` lines.
package struct AWSConfigText: Equatable, Sendable {
    /// Of a section: texts, and tables one level deep. Names in lower case, but for those within a table.
    package struct Section: Equatable, Sendable {
        package var texts: [String: String] = [:]
        package var tables: [String: [String: String]] = [:]

        package init(texts: [String: String] = [:], tables: [String: [String: String]] = [:]) {
            self.texts = texts
            self.tables = tables
        }

        package subscript(_ name: String) -> String? { texts[name] }

        func has(_ name: String) -> Bool { texts[name] != nil || tables[name] != nil }
    }

    /// Where a file cannot be read as what it should be.
    package struct Fault: Error, Equatable {
        /// From 1.
        package var line: Int
        /// Never has a value in it: it may be a secret.
        package var problem: String
    }

    /// In the order of the file. `[DEFAULT]` is in all of them, and none itself.
    package private(set) var sections: [(name: String, section: Section)] = []

    package static func == (left: AWSConfigText, right: AWSConfigText) -> Bool {
        left.sections.map(\.name) == right.sections.map(\.name)
            && left.sections.map(\.section) == right.sections.map(\.section)
    }

    package subscript(_ name: String) -> Section? { sections.first { $0.name == name }?.section }

    package static func parse(_ text: String) throws(Fault) -> AWSConfigText {
        var reader = Reader()
        for (index, line) in lines(text).enumerated() {
            // A byte-order mark is no part of the first name.
            try reader.take(index == 0 && line.first == "\u{FEFF}" ? line.dropFirst() : line, number: index + 1)
        }
        var document = AWSConfigText()
        let defaults = reader.sections["DEFAULT"] ?? [:]
        for name in reader.names where name != "DEFAULT" {
            let entries = defaults.merging(reader.sections[name] ?? [:]) { $1 }
            document.sections.append((name, try section(entries)))
        }
        return document
    }

    /// Only what Python takes for the end of a line.
    private static func lines(_ text: String) -> [Substring] {
        text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
    }

    private static func section(_ entries: [String: Reader.Entry]) throws(Fault) -> Section {
        var section = Section()
        for (name, entry) in entries {
            var lines = entry.lines
            while let last = lines.last, last.isEmpty, lines.count > 1 { lines.removeLast() }
            guard lines.count > 1, lines[0].isEmpty else {
                section.texts[name] = lines.joined(separator: "\n")
                continue
            }
            var table: [String: String] = [:]
            for line in lines where !line.isEmpty {
                guard let equals = line.firstIndex(of: "=") else {
                    throw Fault(line: entry.number, problem: "\"\(name)\" has an indented line without a =")
                }
                table[line[..<equals].trimmed] = line[line.index(after: equals)...].trimmed
            }
            section.tables[name] = table
        }
        return section
    }
}

private struct Reader {
    struct Entry {
        var lines: [String]
        var number: Int
    }

    var names: [String] = []
    var sections: [String: [String: Entry]] = [:]
    private var section: String?
    private var key: String?
    /// Columns before the open key; a deeper line goes on with its value.
    private var indent = 0

    mutating func take(_ line: Substring, number: Int) throws(AWSConfigText.Fault) {
        let content = line.trimmed
        if content.hasPrefix("#") || content.hasPrefix(";") { return }
        let depth = line.prefix(while: \.isWhitespace).count
        if let section, let key, content.isEmpty || depth > indent {
            sections[section]?[key]?.lines.append(content)
            return
        }
        if content.isEmpty { return }
        indent = depth
        if content.hasPrefix("["), let end = content.lastIndex(of: "]"), content.distance(to: end) > 1 {
            try open(String(content[content.index(after: content.startIndex)..<end]), number)
        } else {
            try entry(content, number)
        }
    }

    private mutating func open(_ name: String, _ number: Int) throws(AWSConfigText.Fault) {
        key = nil
        section = name
        if sections[name] != nil {
            guard name == "DEFAULT" else {
                throw AWSConfigText.Fault(line: number, problem: "section [\(name)] appears twice")
            }
            return
        }
        names.append(name)
        sections[name] = [:]
    }

    private mutating func entry(_ content: String, _ number: Int) throws(AWSConfigText.Fault) {
        guard let section else {
            throw AWSConfigText.Fault(line: number, problem: "there is no [section] above it")
        }
        guard let end = content.firstIndex(where: { $0 == "=" || $0 == ":" }), end > content.startIndex else {
            throw AWSConfigText.Fault(line: number, problem: "it is neither a [section] nor name = value")
        }
        let name = content[..<end].trimmed.lowercased()
        guard sections[section]?[name] == nil else {
            throw AWSConfigText.Fault(line: number, problem: "\"\(name)\" appears twice in [\(section)]")
        }
        key = name
        sections[section]?[name] = .init(lines: [content[content.index(after: end)...].trimmed], number: number)
    }
}

extension StringProtocol {
    /// Without white space at either end.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }

    fileprivate func distance(to index: Index) -> Int { distance(from: startIndex, to: index) }
}
