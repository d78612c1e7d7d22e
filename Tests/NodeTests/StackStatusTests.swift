import Cluster
import Foundation
import Node
import Testing

/// Without daemons, on ports where nobody is: what a project's files alone say.
@Suite("What status tells")
struct StackStatusTests {
    private static let ini = """
        [code-fast]
        role = fast
        hf_repo = a/b
        hf_file = fast.gguf
        [plan]
        role = plan
        hf_repo = a/b
        hf_file = plan.gguf
        hf_file_next = plan-q6.gguf
        quant = Q4
        quant_next = Q6
        size_gb = 9.2
        size_gb_next = 50
        [ultra]
        aws_model_id = opus
        aws_model_id_next = opus-next
        """

    private func status(
        _ project: ScratchProject, reply: @escaping @Sendable (_ url: String) -> Probe.Reply? = { _ in nil }
    ) async throws(StackFailure) -> StackStatus {
        struct Refused: Error {}
        return try await StackInspector(
            work: project.work, blueprint: Blueprint(environment: [:]), table: FakeProcessTable(),
            probe: Probe { url, _ throws in
                guard let reply = reply(url) else { throw Refused() }
                return reply
            },
            environment: ["ROUTER_PORT": "1"]
        ).status()
    }

    @Test("Without project and models.ini it is an error that says what to do")
    func nothing() async throws {
        let project = try ScratchProject()
        let failure = await #expect(throws: StackFailure.self) { try await status(project) }
        #expect(failure?.advice == "next: llmstack install")
    }

    @Test("Below a project the way leads there, and not to another one")
    func below() async throws {
        let project = try ScratchProject()
        try project.write("current\n", "default-channel")
        let below = WorkDirectory(environment: [:], currentDirectory: "\(project.work.path)/src/lib")
        #expect(below.projectAbove == project.work.path)
        #expect(below.wayToProject.hasPrefix("cd \(project.work.path), "))
        #expect(project.work.projectAbove == nil && project.work.wayToProject == "llmstack install")
        let failure = #expect(throws: StackFailure.self) { try Preflight.requireOpencode(below) }
        #expect(failure?.advice.hasPrefix("fix: cd \(project.work.path), ") == true)
        let missing = #expect(throws: ModelsINI.Unreadable.self) { try ModelsINI.load(below, environment: [:]) }
        #expect(missing?.description.contains("next: cd \(project.work.path), ") == true)
    }

    @Test("A models.ini with a fault is an error with the file's own advice")
    func brokenINI() async throws {
        let project = try ScratchProject()
        try project.write("[plan]\naws_access_key_id = x\n", "models.ini")
        let failure = await #expect(throws: StackFailure.self) { try await status(project) }
        #expect(failure?.problem.contains("models.ini:2") == true)
        #expect(failure?.problem.contains("aws_access_key_id") == true)
        #expect(failure?.advice.hasPrefix("fix: ") == true)
    }

    @Test("A stopped project shows its pinned channel, and a marker left behind does not make it run")
    func stopped() async throws {
        let project = try ScratchProject()
        try project.write(Self.ini, "models.ini")
        for (marker, channel) in [("next\n", "next"), ("current\n", "current"), ("external http://x\n", "current")] {
            try project.write(marker, "active-channel")
            let status = try await status(project)
            #expect(!status.isUp)
            #expect(status.channel == channel)
            #expect(status.router.state == .down)
            #expect(status.text.contains("channel: \(channel) (or stopped)\n"))
            #expect(status.text.contains("\n  router      DOWN  http://127.0.0.1:1/v1/models\n"))
            // llama-swap's port is fixed, and a developer's own stack may be on it.
            #expect(status.text.contains("  http://127.0.0.1:10102/health"))
        }
    }

    @Test("In the next channel the tiers with something new are listed")
    func upgrades() async throws {
        let project = try ScratchProject()
        try project.write(Self.ini, "models.ini")
        try project.write("next\n", "default-channel")
        let status = try await status(project)
        #expect(status.tiers.map(\.isNext) == [false, true, true])
        #expect(status.text.contains("\n  plan  -> plan-q6.gguf (Q6, 50.0 GB)\n  ultra -> opus-next"))
        #expect(!status.text.contains("fast.gguf"))
    }

    @Test("With hosted tiers alone llama-swap is not missed")
    func hostedOnly() async throws {
        let project = try ScratchProject()
        try project.write("[ultra]\naws_model_id = opus\n", "models.ini")
        let status = try await status(project)
        #expect(status.llamaSwap?.state == .notNeeded)
        #expect(!status.text.contains("llama-swap  DOWN"))
        #expect(status.text.contains("not needed: every tier is hosted"))
    }

    @Test("Without tiers there is nothing to run")
    func noTiers() async throws {
        let project = try ScratchProject()
        try project.write("", "models.ini")
        #expect(try await status(project).text.contains("not needed: models.ini has no tiers"))
    }

    @Test(
        "A thin client's router is there when it sends a models.ini, and not otherwise",
        arguments: [
            (200, ini, .external), (500, ini, .down), (404, "none", .down), (200, "<html>", .down), (200, "", .down),
            (nil, "", .down),
        ] as [(Int?, String, StackStatus.State)])
    func thinClients(_ code: Int?, _ body: String, _ state: StackStatus.State) async throws {
        let project = try ScratchProject()
        try project.write("external http://b:1/\n", "default-channel")
        try project.write("external http://b:1\n", "active-channel")
        let listing = Array(#"{"data":[{"id":"auto"},{"id":"plan"}]}"#.utf8)
        let status = try await status(project) { url in
            code.map { (status: $0, body: url.hasSuffix("/v1/models") ? listing : Array(body.utf8)) }
        }
        #expect(status.router.state == state)
        #expect(status.router.url == "http://b:1/models.ini")
        #expect(status.llamaSwap == nil)
        #expect(status.models == (state == .external ? ["auto", "plan"] : []))
        #expect(status.notes.isEmpty == (state == .external))
        #expect(status.text.contains("channel: external\n"))
    }

    @Test("The JSON has the same keys whatever is known")
    func keys() async throws {
        let project = try ScratchProject()
        try project.write(Self.ini, "models.ini")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(try await status(project).json.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "project", "channel", "up", "supervisor", "router", "llama_swap", "models", "tiers", "notes",
                "found_router",
            ])
        let router = try #require(object["router"] as? [String: Any])
        #expect(Set(router.keys) == ["state", "pid", "url", "occupant"])
        #expect(router["pid"] is NSNull)
        let tiers = try #require(object["tiers"] as? [[String: Any]])
        #expect(tiers.allSatisfy { Set($0.keys) == ["name", "backend", "model", "quant", "size_gb", "next"] })
    }
}
