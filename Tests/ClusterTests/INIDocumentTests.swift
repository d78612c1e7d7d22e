import Cluster
import Testing

struct INIDocumentTests {
    private func values(_ text: String, _ section: String = "a") throws -> [String: String] {
        let document = try INIDocument.parse(text, file: "t.ini")
        let found = try #require(document.sections.first { $0.name == section })
        return Dictionary(uniqueKeysWithValues: found.entries.map { ($0.key, $0.value) })
    }

    @Test(arguments: [
        ("[a]\nk = v", "v"), ("[a]\nk=v", "v"), ("[a]\nk : v", "v"), ("[a]\nK = v", "v"), ("[a]\n  k = v", "v"),
        ("[a]\nk = v ; note", "v"), ("[a]\nk = v;note", "v;note"), ("[a]\nk = v # note", "v # note"),
        ("[a]\nk = a=b:c", "a=b:c"), ("[a]\nk =", ""), ("[a]\nk = one\n  two\n\tthree", "one\ntwo\nthree"),
        ("[a]\nk = one\n\n  two\n\n", "one\n\ntwo"), ("[a]\nk = one\n  # note\n  two", "one\ntwo"),
        ("# x\n; y\n  ; z\n[a] trailing\nk = v", "v"), ("\u{FEFF}[a]\r\nk = v\r\n", "v"), ("[a]\rk = v\r", "v"),
        ("[a]\nk = \u{A0}v\u{2003}", "v"), ("[a]\nk = 1\n  [b]", "1\n[b]"),
    ])
    func aValueIsRead(_ text: String, _ value: String) throws {
        #expect(try values(text) == ["k": value])
    }

    @Test(arguments: [
        ("k = v\n[a]", 1, "before the first section"), ("[a]\nk = 1\nk = 2", 3, "appears twice"),
        ("[a]\nK = 1\nk : 2", 3, "first on line 2"), ("[a]\n[b]\n[a]", 3, "appears twice"),
        ("[a]\njust words", 2, "neither"), ("[a]\n= v", 2, "neither"), ("[a]\n\n[", 3, "neither"),
        ("[a]\n[]", 2, "neither"), ("[a\nk = v", 1, "\"[a\" is a section header without its ]"),
        ("[a]\nk = v\n[b", 3, "without its ]"), ("[a = b", 1, "before the first section"),
        ("[DEFAULT]\nx = 1\n[DEFAULT]\nx = 2", 4, "appears twice"),
    ])
    func aFaultNamesItsLine(_ text: String, _ line: Int, _ words: String) {
        let error = #expect(throws: CatalogError.self) { try INIDocument.parse(text, file: "dir/models.ini") }
        #expect(error?.line == line)
        #expect(error?.problem.contains(words) == true, "\(error?.problem ?? "")")
        #expect(error?.description.hasPrefix("dir/models.ini:\(line): ") == true)
        #expect(error?.description.contains("\n  fix: ") == true)
    }

    @Test func sectionNamesKeepTheirCaseAndKeysDoNot() throws {
        let document = try INIDocument.parse("[A]\nX = 1\n[a]\nX = 2", file: "t")
        #expect(document.sections.map(\.name) == ["A", "a"])
        #expect(document.sections.map { $0.entry("x")?.value } == ["1", "2"])
    }

    @Test func defaultsAreInheritedAndOverridden() throws {
        let document = try INIDocument.parse("[DEFAULT]\nx = 1\ny = 2\n[a]\ny = 3\nz =", file: "t")
        let section = try #require(document.sections.first)
        #expect(["x", "y", "z"].map { document.entry($0, in: section)?.value } == ["1", "3", ""])
    }
}
