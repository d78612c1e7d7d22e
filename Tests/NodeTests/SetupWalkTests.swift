import Foundation
import Node
import Synchronization
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

struct SetupWalkTests {
    /// Keeps what is said.
    private final class Recorder: Console {
        let said = Mutex<[String]>([])
        let warned = Mutex<[String]>([])

        func say(_ line: String) { said.withLock { $0.append(line) } }
        func warn(_ text: String) { warned.withLock { $0.append(text) } }
        func waiting(for what: String, seconds: Double) {}

        var text: String { said.withLock { $0.joined(separator: "\n") } }
        var warnings: [String] { warned.withLock { $0 } }
    }

    private func walk(
        _ project: ScratchProject, shell: String = "/bin/bash", console: Recorder,
        hook: @escaping @Sendable (String) throws -> String? = { "/home/ada/.\($0)_llmstack_hook" }
    ) -> SetupWalk {
        SetupWalk(
            work: project.work,
            environment: [
                "HOME": project.work.path, "SHELL": shell, "PATH": project.work.state,
                LlamaSwapRelease.baseVariable: "http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED": "true",
            ], table: SystemProcessTable(), console: console, hook: .init(write: hook))
    }

    private static let skipping = SetupWalk.Options(skipsDownload: true, skipsWait: false)

    private func placeLlamaSwap(_ project: ScratchProject) throws {
        try FileManager.default.createDirectory(atPath: project.work.binaries, withIntermediateDirectories: true)
        try "#!/bin/sh\necho 'version: 211 (abc)'\n".write(
            toFile: project.work.llamaSwap, atomically: true, encoding: .utf8)
        chmod(project.work.llamaSwap, 0o755)
    }

    @Test func `a second walk changes nothing`() async throws {
        let project = try ScratchProject()
        try placeLlamaSwap(project)
        let first = Recorder()
        #expect(try await walk(project, console: first).run(Self.skipping))
        #expect(first.text.contains("models.ini: the shipped one"))
        let ini = try String(contentsOfFile: project.work.modelsINI, encoding: .utf8)
        try (ini + "\n# mine\n").write(toFile: project.work.modelsINI, atomically: true, encoding: .utf8)
        let second = Recorder()
        #expect(try await walk(project, console: second).run(Self.skipping))
        #expect(!second.text.contains("the shipped one"))
        #expect(try String(contentsOfFile: project.work.modelsINI, encoding: .utf8).hasSuffix("# mine\n"))
        for step in ["1. weights\nskipped", "llama-swap 211 is at", "_llmstack_hook", "memory at full context"] {
            #expect(second.text.contains(step), "\(second.text)")
        }
        #expect(second.warnings == [])
    }

    @Test func `a step that fails does not keep the others from being done`() async throws {
        let project = try ScratchProject()
        let console = Recorder()
        let isWell = try await walk(
            project, console: console,
            hook: { _ in
                throw StackFailure("no hook today", advice: "next: tomorrow")
            }
        ).run(Self.skipping)
        #expect(!isWell)
        #expect(console.warnings.count == 2)
        #expect(console.warnings.first?.contains("cannot fetch http://127.0.0.1:1/latest") == true)
        #expect(console.warnings.last == "llmstack: no hook today\n  next: tomorrow")
        #expect(console.text.contains("5. memory") && console.text.contains("run llmstack setup again"))
    }

    @Test func `a models.ini with a fault stops it at once`() async throws {
        let project = try ScratchProject()
        try project.write("[a]\nbackend = typo\n", "models.ini")
        let console = Recorder()
        await #expect(throws: (any Error).self) { try await walk(project, console: console).run(Self.skipping) }
        #expect(console.text == "")
    }

    @Test(
        arguments: [("/usr/bin/zsh", "zsh"), ("/bin/bash", "bash"), ("/usr/bin/fish", nil), ("", nil)]
            as [(String, String?)])
    func `the hook is the user's shell's`(shell: String, hook: String?) async throws {
        let project = try ScratchProject()
        try placeLlamaSwap(project)
        let written = Recorder()
        let walk = walk(project, shell: shell, console: Recorder()) { name in
            written.say(name)
            return name
        }
        #expect(try await walk.run(Self.skipping))
        #expect(written.text == (hook ?? ""))
    }

    @Test(
        arguments: [
            (nil, nil, nil), ("current\n", nil, nil), ("current\n", "http://b:1", nil), (nil, "  ", nil),
            ("external http://b:1\n", nil, "this project uses the router at http://b:1"),
            (nil, "http://b:1", "this shell uses the router at http://b:1"),
        ] as [(String?, String?, String?)])
    func `a thin client has nothing to fetch`(marker: String?, remote: String?, refusal: String?) throws {
        let project = try ScratchProject()
        if let marker { try project.write(marker, "default-channel") }
        let said = LocalOnly.refusal(
            "download", work: project.work, environment: remote.map { ["LLMSTACK_REMOTE_URL": $0] } ?? [:])
        if let refusal {
            #expect(said?.contains(refusal) == true)
            #expect(said?.split(separator: "\n").last?.hasPrefix("  next: ") == true)
        } else {
            #expect(said == nil)
        }
    }
}
