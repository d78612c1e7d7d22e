import Cluster
import Node
import Testing

struct OpencodeConfigTests {
    @Test(arguments: Fixture.inis)
    func `opencode json says what was recorded`(ini: String) throws {
        let catalog = try Catalog.parse(Fixture.text("inis/\(ini).ini"), file: ini)
        let config = OpencodeConfig(
            catalog: catalog, baseURL: OpencodeConfig.localBaseURL(catalog.defaults),
            instructions: ["${STATE}/AGENTS.md"], settings: OpencodeSettings(environment: [:]))
        let expected = try #require(try Fixture.json("opencode/\(ini).json")["local"]?["opencode"])
        #expect(try Value.json(config.json).difference(from: expected) == nil)
    }

    @Test(arguments: 0..<12)
    func `the environment decides what was recorded`(index: Int) throws {
        let cases = try Fixture.json("opencode_env.json").elements
        #expect(cases.count == 12)
        let vector = cases[index]
        let scratch = try Scratch()
        try scratch.put(Fixture.text("inis/vanilla.ini"), ".llmstack/models.ini")
        var environment = try #require(vector["env"]).members.compactMapValues(\.text)
        environment["HOME"] = scratch.path
        let work = WorkDirectory(environment: environment, currentDirectory: scratch.path)
        let install = try ProjectInstall(work: work, channel: .current, environment: environment, shipped: "/shipped")
        let preview = try Value.json(install.preview)
        for key in try #require(vector["absent_keys_print"]).elements.compactMap(\.text) {
            #expect(preview[key] == nil)
        }
        try agree(preview, with: try #require(vector["print"]), agents: "/shipped/AGENTS.md")
        #expect(scratch.files == [".llmstack/models.ini"])
        _ = try install.perform()
        let installed = try Value.json(try #require(scratch.text(".llmstack/opencode.json")))
        try agree(installed, with: try #require(vector["installed"]), agents: "\(scratch.path)/.llmstack/AGENTS.md")
    }

    private func agree(_ found: Value, with expected: Value, agents: String) throws {
        for (key, value) in expected.members {
            let wanted: Value =
                value.elements.first?.text?.hasPrefix("${") == true ? .array([.string(agents)]) : value
            #expect(try #require(found[key]).difference(from: wanted, at: key) == nil)
        }
    }

    @Test(arguments: [
        ("127.0.0.1", "10101", "http://127.0.0.1:10101/v1"), ("::1", "20202", "http://[::1]:20202/v1"),
        ("[::1]", "1", "http://[::1]:1/v1"), ("box.local", "80", "http://box.local:80/v1"),
    ])
    func `opencode is pointed at the router`(host: String, port: String, url: String) {
        var defaults = ServerDefaults()
        defaults.host = host
        defaults.routerPort = port
        #expect(OpencodeConfig.localBaseURL(defaults) == url)
    }

    @Test func `odd characters survive and slashes are not escaped`() throws {
        var catalog = try Catalog.parse("[x\"y]\nrole = fast\n", file: "models.ini")
        let odd = "a/b \"c\" \\ \n\t\u{1} 🦙"
        catalog.sections[0].description = odd
        let config = OpencodeConfig(
            catalog: catalog, baseURL: "http://h/v1", instructions: [], settings: OpencodeSettings(environment: [:]))
        let model = try Value.json(config.json)["provider"]?["llama.cpp"]?["models"]?["x\"y"]
        #expect(model?["name"]?.text == odd)
        #expect(config.json.contains("\"http://h/v1\""))
        #expect(config.json.hasPrefix("{\n  \"$schema\": \"https://opencode.ai/config.json\",\n"))
    }
}
