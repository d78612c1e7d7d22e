import Cluster
import Foundation
import Node
import Testing

struct ProjectInstallTests {
    private func install(
        in path: String, _ channel: Channel = .current, environment: [String: String] = [:]
    ) throws -> ProjectInstall {
        let environment = ["HOME": "\(path)/home"].merging(environment) { $1 }
        let work = WorkDirectory(environment: environment, currentDirectory: "\(path)/project")
        return try ProjectInstall(work: work, channel: channel, environment: environment, shipped: nil)
    }

    @Test func `a fresh project gets its four files, for everybody to read`() throws {
        let scratch = try Scratch()
        let reports = try install(in: scratch.path).perform()
        #expect(reports.map(\.name) == ["models.ini", "AGENTS.md", "opencode.json", "default-channel"])
        #expect(reports.allSatisfy { $0.outcome == .created })
        let files = ["AGENTS.md", "default-channel", "models.ini", "opencode.json"].map { "project/.llmstack/\($0)" }
        #expect(scratch.files == files.sorted())
        #expect(scratch.text("project/.llmstack/default-channel") == "current\n")
        for name in ["AGENTS.md", "models.ini", "opencode.json"] {
            #expect(try scratch.mode("project/.llmstack/\(name)") == 0o644)
        }
    }

    @Test func `installing again changes nothing`() throws {
        let scratch = try Scratch()
        _ = try install(in: scratch.path).perform()
        let reports = try install(in: scratch.path).perform()
        #expect(reports.map(\.name) == ["models.ini", "AGENTS.md", "opencode.json", "default-channel"])
        #expect(reports.allSatisfy { $0.outcome == .unchanged })
    }

    @Test func `a models ini that is there stays as it is, and opencode json follows it`() throws {
        let scratch = try Scratch()
        let mine = "; mine\n[solo]\nrole = fast\nhf_repo = a/b\nhf_file = c.gguf\n"
        try scratch.put(mine, "project/.llmstack/models.ini")
        _ = try install(in: scratch.path).perform()
        #expect(scratch.text("project/.llmstack/models.ini") == mine)
        let json = try Value.json(try #require(scratch.text("project/.llmstack/opencode.json")))
        #expect(json["small_model"]?.text == "llama.cpp/solo")
    }

    @Test(arguments: Fixture.faulty)
    func `a fault in models ini is named and leaves no trace`(ini: String, piece: String) throws {
        let scratch = try Scratch()
        try scratch.put(Fixture.text("inis/\(ini).ini"), "project/.llmstack/models.ini")
        let error = #expect(throws: CatalogError.self) { try install(in: scratch.path) }
        #expect(error?.description.contains(piece) == true)
        #expect(scratch.files == ["project/.llmstack/models.ini"])
    }

    @Test func `next is pinned, and a permission that was lost comes back`() throws {
        let scratch = try Scratch()
        _ = try install(in: scratch.path).perform()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: "\(scratch.path)/project/.llmstack/AGENTS.md")
        let reports = try install(in: scratch.path, .next).perform()
        #expect(reports.map(\.outcome) == [.unchanged, .updated, .unchanged, .updated])
        #expect(try scratch.mode("project/.llmstack/AGENTS.md") == 0o644)
        #expect(scratch.text("project/.llmstack/default-channel") == "next\n")
    }

    @Test func `the environment moves opencode json and models ini, each alone`() throws {
        let scratch = try Scratch()
        let environment = [
            "OPENCODE_CONFIG_DIR": "\(scratch.path)/oc", "LLMSTACK_MODELS_INI": "\(scratch.path)/deep/er.ini",
        ]
        _ = try install(in: scratch.path, environment: environment).perform()
        #expect(
            scratch.files == [
                "deep/er.ini", "oc/opencode.json", "project/.llmstack/AGENTS.md", "project/.llmstack/default-channel",
            ])
    }

    @Test func `a directory that cannot be made is named`() throws {
        let scratch = try Scratch()
        try scratch.put("a file, not a directory", "project/.llmstack")
        let install = try install(in: scratch.path)
        let error = #expect(throws: AtomicFile.Failure.self) { try install.perform() }
        #expect(error?.description.contains("\(scratch.path)/project/.llmstack/models.ini") == true)
    }
}

struct ModelsINITests {
    @Test func `the shipped defaults are the documented tiers`() throws {
        let catalog = try Catalog.parse(ModelsINI.seed(withBedrock: false), file: "models.ini")
        #expect(catalog.tiers.map(\.name) == ["code-fast", "code-smart", "plan", "plan-uncensored"])
        // What was recorded has the same values and its own words.
        var recorded = try Catalog.parse(Fixture.text("inis/vanilla.ini"), file: "models.ini")
        #expect(catalog.defaults == recorded.defaults)
        #expect(catalog.routing == recorded.routing)
        for (index, tier) in catalog.tiers.enumerated() {
            recorded.tiers[index].line = tier.line
            recorded.tiers[index].description = tier.description
        }
        #expect(catalog.tiers == recorded.tiers)
    }

    @Test func `with Bedrock at hand the hosted tier is switched on`() throws {
        let catalog = try Catalog.parse(ModelsINI.seed(withBedrock: true), file: "models.ini")
        #expect(catalog.tiers.map(\.name) == ["code-fast", "code-smart", "code-ultra", "plan", "plan-uncensored"])
        let ultra = try #require(catalog.tier(named: "code-ultra"))
        #expect(ultra.contextSize == 24000)
        #expect(ultra.sampler == Sampler())
        guard case .bedrock(let bedrock) = ultra.backend else {
            Issue.record("code-ultra is not hosted")
            return
        }
        #expect(bedrock.modelID == "global.anthropic.claude-opus-4-7")
        #expect(bedrock.region == "eu-central-1")
        #expect(bedrock.profile == "bedrock-prod")
    }

    @Test func `the commented examples of the shipped file are valid`() throws {
        let text = ModelsINI.seed(withBedrock: false)
        var found = 0
        var enabled = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let body = line.hasPrefix("# ") ? line.dropFirst(2) : line
            let key = body.prefix { $0 != " " }
            let isExample =
                line.hasPrefix("# ") && body.dropFirst(key.count).hasPrefix(" = ")
                && (key.hasSuffix("_model") || key.hasSuffix("_phrases") || key == "llama_server_bin")
            if isExample { found += 1 }
            enabled += (isExample ? body : line) + "\n"
        }
        #expect(found == 8)
        let catalog = try Catalog.parse(enabled, file: "models.ini")
        #expect(catalog.routing.planPhrases.count == 3)
        #expect(catalog.routing.agentPhrases.count == 3)
    }

    static let aws: [([String: String], [String: String], Bool)] = [
        ([:], [:], false),
        (["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"], [:], true),
        (["AWS_ACCESS_KEY_ID": ""], [:], false),
        (["AWS_PROFILE": "work"], [:], true),
        ([:], ["/h/.aws/config": "[profile bedrock-prod]\nregion = eu-central-1\n"], true),
        ([:], ["/h/.aws/credentials": "# old\n\n[default]\naws_access_key_id = x\n"], true),
        ([:], ["/h/.aws/config": "[sso-session corp]\n# [profile off]\n"], false),
        (["AWS_CONFIG_FILE": "/c"], ["/h/.aws/config": "[default]\n"], false),
        (["AWS_CONFIG_FILE": "/c"], ["/c": "[default]\n"], true),
        (["AWS_SHARED_CREDENTIALS_FILE": "~/creds"], ["/h/creds": "[x]\n"], true),
    ]

    @Test(arguments: aws)
    func `Bedrock can be used where a profile or credentials exist`(
        environment: [String: String], files: [String: String], expected: Bool
    ) {
        let environment = environment.merging(["HOME": "/h"]) { $1 }
        #expect(BedrockAccess.isConfigured(environment: environment) { files[$0] } == expected)
    }

    @Test func `a project without a models ini is told to install`() throws {
        let scratch = try Scratch()
        let work = WorkDirectory(environment: ["HOME": scratch.path], currentDirectory: scratch.path)
        let error = #expect(throws: ModelsINI.Unreadable.self) { try ModelsINI.load(work, environment: [:]) }
        #expect(error?.description.hasPrefix("no models.ini at \(work.modelsINI)\n") == true)
        #expect(error?.description.contains("next: llmstack install") == true)
    }

    @Test func `a models ini that is not text is refused`() throws {
        let scratch = try Scratch()
        try scratch.put("", ".llmstack/models.ini")
        try Data([0x5B, 0xFF, 0x5D]).write(to: URL(fileURLWithPath: "\(scratch.path)/.llmstack/models.ini"))
        let work = WorkDirectory(environment: ["HOME": scratch.path], currentDirectory: scratch.path)
        #expect(throws: ModelsINI.Unreadable.notText(work.modelsINI)) { try ModelsINI.load(work, environment: [:]) }
    }

    @Test func `a models ini that is a directory or a pipe is refused and not waited for`() throws {
        let scratch = try Scratch()
        let work = WorkDirectory(environment: ["HOME": scratch.path], currentDirectory: scratch.path)
        try FileManager.default.createDirectory(atPath: work.modelsINI, withIntermediateDirectories: true)
        #expect(throws: ModelsINI.Unreadable.refused(work.modelsINI, reason: "is a directory")) {
            try ModelsINI.load(work, environment: [:])
        }
        try FileManager.default.removeItem(atPath: work.modelsINI)
        #expect(mkfifo(work.modelsINI, 0o600) == 0)
        #expect(throws: ModelsINI.Unreadable.refused(work.modelsINI, reason: "it is a pipe and no file")) {
            try ModelsINI.load(work, environment: [:])
        }
    }

    @Test func `loading puts the environment's values in`() throws {
        let scratch = try Scratch()
        try scratch.put(Fixture.text("inis/env-refs.ini"), ".llmstack/models.ini")
        let work = WorkDirectory(environment: ["HOME": scratch.path], currentDirectory: scratch.path)
        let catalog = try ModelsINI.load(work, environment: ["MY_REGION": "eu-west-3"])
        guard case .bedrock(let bedrock)? = catalog.tier(named: "code-ultra")?.backend else {
            Issue.record("code-ultra is not hosted")
            return
        }
        #expect(bedrock.region == "eu-west-3")
        #expect(bedrock.profile == nil)
    }
}

struct ShippedTests {
    @Test func `the files beside the program are found, and a copy is made where there are none`() throws {
        let scratch = try Scratch()
        let program = "\(scratch.path)/opt/bin/llmstack"
        #expect(Shipped.directory(executable: program) == nil)
        let environment = ["HOME": scratch.path, "LLMSTACK_DATA_DIR": "\(scratch.path)/data"]
        #expect(try Shipped.root(environment: environment, executable: program) == "\(scratch.path)/data/share")
        #expect(scratch.files == ["data/share/AGENTS.md", "data/share/models.ini"])
        for name in ["AGENTS.md", "models.ini"] {
            try scratch.put(try #require(scratch.text("data/share/\(name)")), "opt/share/llmstack/\(name)")
        }
        #expect(Shipped.directory(executable: program) == "\(scratch.path)/opt/share/llmstack")
        // Another version's files are not this program's.
        try scratch.put("other", "opt/share/llmstack/AGENTS.md")
        #expect(Shipped.directory(executable: program) == nil)
    }

    @Test func `a copy in the data directory is renewed when it is out of date`() throws {
        let scratch = try Scratch()
        try scratch.put("old", ".local/share/llmstack/share/AGENTS.md")
        let root = try Shipped.root(environment: ["HOME": scratch.path], executable: "\(scratch.path)/llmstack")
        #expect(root == "\(scratch.path)/.local/share/llmstack/share")
        #expect(scratch.text(".local/share/llmstack/share/AGENTS.md") == Shipped.agentsMD)
    }
}
