import Cluster
import Testing

struct NodeSectionTests {
    private static let tiers = """
        [fast]
        role = fast
        hf_repo = a/b
        hf_file = c
        [smart]
        role = agent
        hf_repo = a/b
        hf_file = d
        [hosted]
        aws_model_id = m

        """

    private func parse(_ node: String) throws -> Catalog {
        try Catalog.parse(Self.tiers + "[NODE]\n" + node, file: "/p/models.ini")
    }

    @Test func `Without the section the defaults hold, and it is no tier`() throws {
        let catalog = try Catalog.parse(Self.tiers, file: "models.ini")
        #expect(catalog.node == NodeSection())
        #expect(catalog.node.name == nil)
        #expect(catalog.node.share == .heavy)
        #expect(catalog.node.match == .name)
        #expect(catalog.node.onBattery == .drain)
        let withSection = try parse("name = x")
        #expect(withSection.tiers == catalog.tiers)
        #expect(withSection.sections == catalog.sections)
    }

    @Test(arguments: [("studio", "studio"), ("mac-2.local_x", "mac-2.local_x"), ("", nil)])
    func `It has a name`(text: String, name: String?) throws {
        #expect(try parse("name = \(text)").node.name == name)
    }

    @Test(arguments: [
        ("", ["smart"]), ("share =", ["smart"]), ("share = heavy", ["smart"]), ("share = all", ["fast", "smart"]),
        ("share = none", []), ("share = fast", ["fast"]), ("share = hosted, smart", ["smart", "hosted"]),
        ("share = fast,, hosted,", ["fast", "hosted"]), ("share = ,", []),
    ])
    func `It shares what it says, and a hosted tier only by name`(text: String, shared: [String]) throws {
        let catalog = try parse(text)
        #expect(catalog.tiers.filter(catalog.node.shares).map(\.name) == shared)
    }

    @Test(arguments: [
        ("match = exact", NodeSection.Match.exact), ("match = family", .family), ("match = name", .name),
        ("match =", .name),
    ])
    func `It says when tiers match`(text: String, match: NodeSection.Match) throws {
        #expect(try parse(text).node.match == match)
    }

    @Test(arguments: [
        ("on_battery = drain", NodeSection.OnBattery.drain), ("on_battery = serve", .serve), ("on_battery =", .drain),
    ])
    func `It says what happens on battery`(text: String, onBattery: NodeSection.OnBattery) throws {
        #expect(try parse(text).node.onBattery == onBattery)
    }

    @Test(arguments: [
        ("name = two words", 1, "two words", "letters"), ("name = -x", 1, "-x", "letters"),
        ("name = \(String(repeating: "x", count: 41))", 1, "node's name", "1 to 40"),
        ("match = name\nname = ä", 2, "ä", "letters"),
        ("share = smart, nope", 1, "\"nope\"", "heavy, all, none"),
        ("share = Heavy", 1, "\"Heavy\"", "heavy, all, none"),
        ("share = all, fast", 1, "\"all\"", "heavy, all, none"),
        ("\nshare = smart ultra", 2, "smart ultra", "commas"),
        ("match = close", 1, "match = close", "exact, family, name"),
        ("on_battery = no", 1, "on_battery = no", "drain, serve"),
        ("name = x\nshares = all", 2, "\"shares\"", "name, share, match or on_battery"),
        ("hf_repo = a/b", 1, "\"hf_repo\"", "delete the line"),
        ("name = x\nname = y", 2, "name", "delete one"),
        ("aws_access_key_id = AKIA", 1, "credentials", "~/.aws"),
    ])
    func `A fault names file and line, and what to do`(text: String, line: Int, problem: String, fix: String) throws {
        let error = #expect(throws: CatalogError.self) { try parse(text) }
        let before = Self.tiers.split(separator: "\n", omittingEmptySubsequences: false).count
        #expect(error?.file == "/p/models.ini")
        #expect(error?.line == before + line)
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
        #expect(error?.fix.contains(fix) == true, "\(error?.fix ?? "")")
    }
}
