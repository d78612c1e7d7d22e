import Cluster
import Node
import Testing

struct LlamaSwapConfigTests {
    static let cases = Fixture.inis.flatMap { [($0, "current"), ($0, "next")] }

    @Test(arguments: cases)
    func `the yaml says what was recorded`(ini: String, channel: String) throws {
        let catalog = try Catalog.parse(Fixture.text("inis/\(ini).ini"), file: ini)
        let vector = try Fixture.json("swap/\(ini).json")
        let environment = try #require(vector["env"]).members.compactMapValues(\.text)
        let server = LlamaSwapConfig.locateLlamaServer(catalog: catalog, environment: environment) { _ in false }
        let yaml = LlamaSwapConfig(catalog: catalog, next: channel == "next", llamaServer: server).yaml
        let found = commandsByLine(try YAMLReader.read(yaml))
        #expect(found.difference(from: try #require(vector[channel])) == nil)
    }

    /// Each `cmd` as its lines, as recorded.
    private func commandsByLine(_ yaml: Value) -> Value {
        var members = yaml.members
        members["models"] = .object(
            (yaml["models"]?.members ?? [:]).mapValues { model in
                var keys = model.members
                let lines = (keys["cmd"]?.text ?? "").split(separator: "\n").map { Value.string(String($0)) }
                keys["cmd"] = .array(lines)
                return .object(keys)
            })
        return .object(members)
    }

    static let hostile = [
        "plain \"quoted\" 'single' back\\slash", "#comment", "a: b", "- item", "${llama_server}", "${env.HOME} ${x}",
        "{flow} [seq]", "%directive", "tab\there", "bell\u{7}", "next line\u{85}end", "line\u{2028}separator",
        "🦙 naïve", "---",
        "*alias", "&anchor", "!!tag", "| block", "> folded", "null", "true", "1e3", "trailing\\",
    ]

    @Test(arguments: hostile)
    func `a value is data wherever it stands`(value: String) throws {
        var catalog = Catalog()
        var tier = try Self.tier(named: "code-fast", role: .fast)
        tier.description = value
        tier.label = value
        tier.aliases = [value]
        tier.backend = try Self.weights(tier) {
            $0.repo = value
            $0.file = value
            $0.quant = value
        }
        catalog.tiers = [tier, try Self.tier(named: "code-smart", role: .agent)]
        catalog.defaults.host = value
        let read = try YAMLReader.read(LlamaSwapConfig(catalog: catalog, next: false, llamaServer: value).yaml)
        let models = try #require(read["models"])
        #expect(models.members.keys.sorted() == ["code-fast", "code-smart"])
        let model = try #require(models["code-fast"])
        // A macro of llama-swap's would be replaced there, so it is taken apart; all else stays as it was.
        let shown = value.replacing("${", with: "$ {")
        #expect(model["description"]?.text == shown)
        #expect(model["metadata"]?["quant"]?.text == shown)
        #expect(model["aliases"] == .array([.string(shown)]))
        let command = try #require(model["cmd"]?.text)
        let lines = command.split(separator: "\n")
        #expect(lines.map { $0.prefix { $0 != " " } } == ["${llama_server}", "-hf", "-hff", "--alias", "-c"])
        #expect(lines.dropFirst().allSatisfy { !$0.contains("${") })
    }

    @Test func `a line break in a file name adds no argument line`() throws {
        var tier = try Self.tier(named: "code-fast", role: .fast)
        tier.backend = try Self.weights(tier) { $0.file = "x.gguf\n#y\r--host 0.0.0.0" }
        var catalog = Catalog()
        catalog.tiers = [tier]
        let yaml = try YAMLReader.read(LlamaSwapConfig(catalog: catalog, next: false, llamaServer: "l").yaml)
        let command = try #require(yaml["models"]?["code-fast"]?["cmd"]?.text)
        #expect(command.split(separator: "\n").count == 5)
    }

    @Test(arguments: [
        (0.0, 3), (0.3, 1), (0.75, 1), (2.25, 2), (3.75, 2), (2.5, 2), (7.4, 5), (45.0, 30), (100.0, 30), (1e300, 30),
        (.infinity, 30),
    ])
    func `eviction costs grow with size`(sizeGB: Double, cost: Int) {
        #expect(ResidentSets.evictCost(sizeGB: sizeGB) == cost)
    }

    @Test func `without a fast tier each heavy one is alone`() throws {
        var catalog = Catalog()
        catalog.tiers = [try Self.tier(named: "coder", role: .agent), try Self.tier(named: "thinker", role: .plan)]
        let sets = ResidentSets(catalog: catalog).sets
        #expect(sets.map(\.name) == ["c_alone", "p_alone"])
        #expect(sets.map(\.letters) == [["c"], ["p"]])
    }

    @Test func `tiers of other roles alone need no matrix`() throws {
        var catalog = Catalog()
        catalog.tiers = [try Self.tier(named: "embedder", role: .other("embed"))]
        let yaml = try YAMLReader.read(LlamaSwapConfig(catalog: catalog, next: false, llamaServer: "l").yaml)
        #expect(yaml["models"]?.members.keys.sorted() == ["embedder"])
        #expect(yaml["matrix"] == nil)
    }

    @Test func `a tier's name with a space is one argument`() throws {
        var catalog = Catalog()
        catalog.tiers = [try Self.tier(named: "my coder", role: .agent)]
        let yaml = try YAMLReader.read(LlamaSwapConfig(catalog: catalog, next: false, llamaServer: "l").yaml)
        let command = try #require(yaml["models"]?["my coder"]?["cmd"]?.text)
        #expect(command.contains(#"--alias my\ coder"# + "\n"))
    }

    @Test func `an absurd sampler value does not stop the program`() throws {
        var tier = try Self.tier(named: "code-fast", role: .fast)
        tier.sampler.topK = 1e300
        var catalog = Catalog()
        catalog.tiers = [tier]
        let yaml = LlamaSwapConfig(catalog: catalog, next: false, llamaServer: "l").yaml
        #expect(yaml.contains("--top-k 9223372036854775807\n"))
    }

    @Test(arguments: [
        ("hf_file_next = n.gguf", true), ("hf_repo_next = x/y", false), ("quant_next = Q8_0", false),
    ])
    func `something is queued when a tier has a next model`(line: String, queued: Bool) throws {
        let catalog = try Catalog.parse("[a]\nhf_repo = a/b\nhf_file = f\n\(line)\n", file: "models.ini")
        #expect(LlamaSwapConfig(catalog: catalog, next: false, llamaServer: "l").hasNext == queued)
    }

    private static func weights(_ tier: Tier, change: (inout GGUF.Weights) -> Void) throws -> Tier.Backend {
        guard case .gguf(var gguf) = tier.backend else { throw Hosted() }
        change(&gguf.current)
        return .gguf(gguf)
    }

    private struct Hosted: Error {}

    static func tier(named name: String, role: Role) throws -> Tier {
        let text = "[\(name)]\nrole = \(role.name)\nhf_repo = a/b\nhf_file = f.gguf\n"
        return try #require(try Catalog.parse(text, file: "models.ini").tiers.first)
    }
}

struct LlamaServerLocationTests {
    static let table: [(String?, [String: String], Set<String>, String)] = [
        ("/ini/llama-server", ["LLAMA_SERVER_BIN": "/env/l"], ["/p/llama-server"], "/ini/llama-server"),
        ("~/l", ["HOME": "/home/ada"], [], "/home/ada/l"),
        (nil, ["LLAMA_SERVER_BIN": "/env/l", "PATH": "/p"], ["/p/llama-server"], "/env/l"),
        (nil, ["LLAMA_SERVER_BIN": "", "PATH": "/q:/p"], ["/p/llama-server"], "/p/llama-server"),
        (
            nil, ["PATH": ".:rel", "HOME": "/h"], ["./llama-server", "/h/.local/bin/llama-server"],
            "/h/.local/bin/llama-server"
        ),
        (
            nil, ["PATH": "/p"], ["/opt/homebrew/bin/llama-server", "/usr/local/bin/llama-server"],
            "/opt/homebrew/bin/llama-server"
        ),
        (nil, ["PATH": "/p", "HOME": "/h"], [], "llama-server"),
    ]

    @Test(arguments: table)
    func `llama-server is where it is named, else where it is found`(
        ini: String?, environment: [String: String], programs: Set<String>, expected: String
    ) {
        var catalog = Catalog()
        catalog.defaults.llamaServer = ini
        let found = LlamaSwapConfig.locateLlamaServer(
            catalog: catalog, environment: environment, isExecutable: programs.contains)
        #expect(found == expected)
    }

    @Test func `a path with a space stays one word of the command`() throws {
        var catalog = Catalog()
        catalog.tiers = [try LlamaSwapConfigTests.tier(named: "code-fast", role: .fast)]
        let yaml = LlamaSwapConfig(catalog: catalog, next: false, llamaServer: "/Users/Ada L/llama-server").yaml
        #expect(try YAMLReader.read(yaml)["macros"]?["llama_server"]?.text == #"/Users/Ada\ L/llama-server"#)
    }
}
