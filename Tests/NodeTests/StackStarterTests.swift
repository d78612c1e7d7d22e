import Foundation
import Node
import Synchronization
import Testing

@Suite("What start does and says")
struct StackStarterTests {
    /// Keeps what is said.
    private final class Recorder: Console {
        private let lines = Mutex<[String]>([])

        func say(_ line: String) { lines.withLock { $0.append(line) } }
        func warn(_ text: String) { lines.withLock { $0.append(text) } }
        func waiting(for what: String, seconds: Double) {}

        var text: String { lines.withLock { $0.joined(separator: "\n") } }
    }

    private struct Nobody: Error {}

    /// A project with everything but the daemons; its llama-swap is a script.
    private func project(ini: String, llamaSwap: String = "exit 3") throws -> ScratchProject {
        let project = try ScratchProject()
        try project.write(ini, "models.ini")
        try project.write("{}", "opencode.json")
        try FileManager.default.createDirectory(atPath: project.work.binaries, withIntermediateDirectories: true)
        let script = Data("#!/bin/sh\n\(llamaSwap)\n".utf8)
        try #require(
            FileManager.default.createFile(
                atPath: project.work.llamaSwap, contents: script, attributes: [.posixPermissions: 0o755]))
        return project
    }

    private func starter(
        _ project: ScratchProject, _ console: Recorder, _ table: FakeProcessTable = .init(),
        probe: Probe = Probe { _, _ throws in throw Nobody() }
    ) -> StackStarter {
        let environment = ["ROUTER_PORT": "1", "PATH": "/usr/bin:/bin", "HOME": project.work.path]
        return StackStarter(
            work: project.work, blueprint: Blueprint(environment: environment), table: table, probe: probe,
            console: console, environment: environment, llmstack: "/nowhere")
    }

    private static let queued = "[a]\nhf_repo = o/r\nhf_file = f\nhf_file_next = g\n"

    @Test(
        "The channel is marked before a daemon runs in it, and not when none does",
        .enabled(if: !LocalPort.isTaken(host: "127.0.0.1", port: Endpoints.llamaSwapPort)))
    func marking() async throws {
        let project = try project(
            ini: Self.queued, llamaSwap: "cd \"${2%/*}\" && cat active-channel >seen; exit 3")
        let console = Recorder()
        let failure = await #expect(throws: StackFailure.self) {
            try await starter(project, console).start(wanted: .next)
        }
        #expect(failure?.problem.contains("ended at once") == true, "\(failure?.description ?? "")")
        #expect(try String(contentsOfFile: "\(project.work.state)/seen", encoding: .utf8) == "next\n")
        #expect(!FileManager.default.fileExists(atPath: project.work.activeChannel))
    }

    @Test(
        "What was edited while it runs is said to wait for a restart",
        .enabled(if: !LocalPort.isTaken(host: "127.0.0.1", port: Endpoints.llamaSwapPort)), arguments: [false, true])
    func edits(_ isEdited: Bool) async throws {
        let project = try project(ini: Self.queued)
        var table = FakeProcessTable()
        let identity = DaemonIdentity(work: project.work)
        func environment(_ kind: DaemonKind) -> [String: String] {
            [
                DaemonIdentity.markVariable: identity.mark(kind), "LLMSTACK_CHANNEL": "current",
                "LLMSTACK_WORK_DIR": project.work.path,
            ]
        }
        table.add(40, ["llama-swap", "--config", project.work.llamaSwapYAML], environment(.llamaSwap))
        table.add(41, ["llmstack", "router"], environment(.router))
        let console = Recorder()
        let starter = starter(project, console, table, probe: Probe { _, _ in (status: 200, body: []) })
        let yaml = starter.blueprint.llamaSwapYAML(try starter.blueprint.catalog(project.work), false)
        try project.write(yaml, "llama-swap.yaml")
        if isEdited { try project.write(Self.queued + "ctx_size = 4096\n", "models.ini") }
        #expect(try await starter.start(wanted: .current) == .current)
        #expect(console.text.contains("already running"), "\(console.text)")
        #expect(console.text.contains("other settings") == isEdited, "\(console.text)")
    }
}
