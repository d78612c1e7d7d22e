import Foundation
import Node
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `llmstack install-llama-swap` as people run it, against a release page of the test's own.
@Suite(.serialized)
struct InstallLlamaSwapTests {
    @Test(
        arguments: [
            (
                "v211", "llama-swap_211_linux_amd64.tar.gz", "download/v211/llama-swap_211_linux_amd64.tar.gz", true,
                true
            ),
            ("212", "llama-swap_212_linux_amd64.tar.gz", "download/212/llama-swap_212_linux_amd64.tar.gz", true, true),
            (
                "v251", "llama-swap_251_linux_amd64.tar.gz", "download/v251/llama-swap_251_linux_amd64.tar.gz", false,
                true
            ),
            ("v1/../..", nil, nil, true, false), ("v", nil, nil, true, false), ("v 2", nil, nil, true, false),
        ] as [(String, String?, String?, Bool, Bool)])
    func `a tag gives these names`(tag: String, archive: String?, path: String?, known: Bool, wellFormed: Bool) {
        let release = LlamaSwapRelease(tag: tag, base: "https://x/releases")
        let platform = LlamaSwapRelease.Platform(name: "linux_amd64")
        #expect(release.isWellFormed == wellFormed)
        if let archive, let path {
            #expect(release.isKnown == known)
            #expect(release.archive(platform) == archive)
            #expect(release.url(platform) == "https://x/releases/\(path)")
        }
    }

    @Test(
        arguments: [
            ("version: v211 (abc), built at x", "211"), ("version: 211 (abc), built at x", "211"), ("version:", nil),
            ("usage: llama-swap", nil),
        ] as [(String, String?)])
    func `a program says its version`(output: String, number: String?) {
        #expect(LlamaSwapRelease.number(versionOutput: output) == number)
    }

    @Test func `a checksum file is looked through by whole names`() {
        let sum = String(repeating: "Ab", count: 32)
        let text = "\(sum)  a.tar.gz.sig\n\(sum) *a.tar.gz\nshort  a.tar.gz\n"
        #expect(LlamaSwapRelease.checksum(of: "a.tar.gz", in: text) == sum.lowercased())
        #expect(LlamaSwapRelease.checksum(of: "b.tar.gz", in: text) == nil)
        #expect(LlamaSwapRelease.tag(location: "https://x/releases/tag/v211?a") == "v211")
        #expect(LlamaSwapRelease.tag(location: "https://x/login") == nil)
    }

    /// What the release page of a test has.
    private struct Release: Sendable {
        var archive: [UInt8]
        var checksum: String?
        var latest = "v211"
        var archiveStatus = 200
        /// Bytes after which the first reply stands still.
        var firstSent: Int?

        func reply(_ request: ScriptedServer.Request) -> ScriptedServer.Reply {
            let name = request.path.split(separator: "/").last.map(String.init) ?? ""
            if request.path == "/latest" { return .init(status: 302, fields: ["Location: /tag/\(latest)"]) }
            if name.hasSuffix("checksums.txt") {
                guard let checksum else { return .init(status: 404) }
                let number = name.split(separator: "_")[1]
                let platform = LlamaSwapRelease.Platform.current?.name ?? ""
                return .init(body: Array("\(checksum)  llama-swap_\(number)_\(platform).tar.gz\n".utf8))
            }
            guard archiveStatus == 200 else { return .init(status: archiveStatus) }
            let isFirst = request.attempt == 1 && firstSent != nil
            return ServedFile(body: archive).reply(to: request, sent: isFirst ? firstSent : nil, hangs: isFirst)
        }
    }

    /// An archive with the things named in it.
    private func archive(_ scratch: Scratch, _ script: String?, link: String? = nil, padding: Int = 0) async throws
        -> (bytes: [UInt8], sha256: String)
    {
        let directory = "\(scratch.path)/made"
        try scratch.put("MIT", "made/LICENSE.md")
        try Data(ServedFile.bytes(padding)).write(to: URL(fileURLWithPath: "\(directory)/noise"))
        if let script {
            try scratch.put(script, "made/llama-swap")
            chmod("\(directory)/llama-swap", 0o755)
        }
        if let link {
            try FileManager.default.createSymbolicLink(atPath: "\(directory)/llama-swap", withDestinationPath: link)
        }
        let tar = try #require(ProgramSearch(environment: ProcessInfo.processInfo.environment).first("tar"))
        let names = ["LICENSE.md", "noise"] + (script == nil && link == nil ? [] : ["llama-swap"])
        let result = await ShortCommand(
            tar, ["-czf", "\(scratch.path)/made.tar.gz", "-C", directory] + names,
            environment: ProcessInfo.processInfo.environment
        ).run()
        #expect(result?.exit == .exited(0))
        let path = "\(scratch.path)/made.tar.gz"
        return ([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))), try FileDigest.sha256(path))
    }

    private struct Run: Sendable {
        var code: Int32
        var output: String
        var errors: String
    }

    private func process(_ scratch: Scratch, _ server: ScriptedServer, _ arguments: [String], version: String?) throws
        -> (Process, () throws -> Run)
    {
        let program = Bundle.module.bundleURL.deletingLastPathComponent().appendingPathComponent("llmstack")
        try #require(FileManager.default.isExecutableFile(atPath: program.path), "build all products first")
        let process = Process()
        process.executableURL = program
        process.arguments = ["install-llama-swap"] + arguments
        var environment = ["PATH": "/usr/bin:/bin", "HOME": scratch.path, "NO_PROXY": "127.0.0.1"]
        environment["LLMSTACK_WORK_DIR"] = "\(scratch.path)/work"
        environment["LLMSTACK_BIN_DIR"] = "\(scratch.path)/bin"
        environment["LLAMA_SWAP_VERSION"] = version
        environment[LlamaSwapRelease.baseVariable] = server.url
        process.environment = environment
        var files: [String] = []
        for name in ["out", "err"] {
            files.append("\(scratch.path)/\(name)")
            try Data().write(to: URL(fileURLWithPath: "\(scratch.path)/\(name)"))
        }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: files[0])
        process.standardError = FileHandle(forWritingAtPath: files[1])
        try process.run()
        return (
            process,
            {
                process.waitUntilExit()
                let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
                return Run(
                    code: code, output: try String(contentsOfFile: files[0], encoding: .utf8),
                    errors: try String(contentsOfFile: files[1], encoding: .utf8))
            }
        )
    }

    private func run(
        _ scratch: Scratch, _ server: ScriptedServer, _ arguments: [String] = [], version: String? = nil
    ) throws -> Run { try process(scratch, server, arguments, version: version).1() }

    private static let script = "#!/bin/sh\necho 'version: 211 (abc), built at x'\n"

    @Test func `the latest is fetched, compared, tried and put in its place`() async throws {
        let scratch = try Scratch()
        let made = try await archive(scratch, Self.script)
        let release = Release(archive: made.bytes, checksum: made.sha256)
        let server = try ScriptedServer { release.reply($0) }
        let run = try run(scratch, server)
        #expect(run.code == 0 && run.errors == "", "\(run.output)\(run.errors)")
        #expect(run.output.contains("llama-swap 211 is at \(scratch.path)/bin/llama-swap\n"))
        #expect(scratch.text("bin/llama-swap") == Self.script)
        #expect(try scratch.mode("bin/llama-swap") == 0o755)
        #expect(scratch.files.filter { $0.hasPrefix("bin/") } == ["bin/llama-swap"])
        let count = server.requests.count
        let again = try self.run(scratch, server)
        #expect(again.code == 0 && again.output.contains("already"))
        #expect(server.requests.count == count)
        // What a process that was killed had unpacked, and a directory of the user's.
        try scratch.put("half", "bin/.llama-swap.\(Int32.max)/llama-swap")
        try scratch.put("mine", "bin/.llama-swap.old/llama-swap")
        #expect(try self.run(scratch, server, ["--force"]).code == 0)
        #expect(server.requests.count > count)
        #expect(scratch.files.filter { $0.hasPrefix("bin/") } == ["bin/.llama-swap.old/llama-swap", "bin/llama-swap"])
    }

    @Test func `a release newer than is known is passed over`() async throws {
        let scratch = try Scratch()
        let made = try await archive(scratch, Self.script)
        let release = Release(archive: made.bytes, latest: "v251")
        let server = try ScriptedServer { release.reply($0) }
        let run = try run(scratch, server)
        #expect(run.code == 0)
        #expect(run.output.contains("taking v250"))
        #expect(run.output.contains("v250 has no checksum file"))
        #expect(server.requests.last?.path.hasPrefix("/download/v250/llama-swap_250_") == true)
    }

    @Test(arguments: [SIGKILL, SIGINT])
    func `what a stopped process had is gone on from`(signal: Int32) async throws {
        let scratch = try Scratch()
        let made = try await archive(scratch, Self.script, padding: 200_000)
        let release = Release(archive: made.bytes, checksum: made.sha256, firstSent: 90_000)
        let server = try ScriptedServer { release.reply($0) }
        let (process, end) = try process(scratch, server, [], version: "v211")
        let platform = try #require(LlamaSwapRelease.Platform.current)
        let part = "\(scratch.path)/bin/.\(LlamaSwapRelease(tag: "v211").archive(platform)).part"
        #expect(
            await eventually {
                let size = (try? FileManager.default.attributesOfItem(atPath: part))?[.size] as? NSNumber
                return size?.intValue == 90_000
            })
        kill(process.processIdentifier, signal)
        let stopped = try end()
        if signal == SIGKILL {
            #expect(stopped.code == -SIGKILL)
        } else {
            #expect(stopped.code == 1)
            #expect(stopped.errors.hasPrefix("llmstack: stopped; 90.0 kB are kept in \(part)\n  next: "))
        }
        #expect(scratch.text("bin/llama-swap") == nil)
        let run = try run(scratch, server, version: "v211")
        #expect(run.code == 0, "\(run.output)\(run.errors)")
        #expect(server.requests.last?.offset == 90_000)
        #expect(scratch.text("bin/llama-swap") == Self.script)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var what: String
        var script: String? = InstallLlamaSwapTests.script
        var link: String?
        var hasWrongChecksum = false
        var garbage = false
        var status = 200
        var version: String? = "v211"
        var latest = "v211"
        var problem: String
        var advice: String
        var testDescription: String { what }
    }

    @Test(arguments: [
        Row(
            what: "a wrong checksum", hasWrongChecksum: true, problem: "has the wrong checksum",
            advice: "next: run it again"),
        Row(
            what: "no such release", status: 404, problem: "answers with status 404",
            advice: "fix: check that this version"),
        Row(
            what: "no program in it", script: nil, problem: "there is no llama-swap program in",
            advice: "next: run it again"),
        Row(
            what: "a link in its place", script: nil, link: "/bin/sh", problem: "there is no llama-swap program in",
            advice: "next: run it again"),
        Row(
            what: "no archive", garbage: true, problem: "there is no llama-swap program in",
            advice: "next: run it again"),
        Row(
            what: "a program for another machine", script: "#!/nowhere/sh\n", problem: "does not run on this machine",
            advice: "fix: choose another release"),
        Row(
            what: "a version that is none", version: "../v1", problem: "is no release's name",
            advice: "fix: set it to one"),
        Row(
            what: "a page without a latest release", version: nil, latest: "", problem: "does not say which release",
            advice: "fix: choose one"),
    ])
    func `a failure says what and what to do, and the old program stays`(row: Row) async throws {
        let scratch = try Scratch()
        let made = try await archive(scratch, row.script, link: row.link)
        let bytes = row.garbage ? Array("<html>sign in</html>".utf8) : made.bytes
        let checksum = row.hasWrongChecksum ? String(repeating: "0", count: 64) : row.garbage ? nil : made.sha256
        let release = Release(archive: bytes, checksum: checksum, latest: row.latest, archiveStatus: row.status)
        let server = try ScriptedServer { release.reply($0) }
        try scratch.put("old", "bin/llama-swap")
        chmod("\(scratch.path)/bin/llama-swap", 0o755)
        let run = try run(scratch, server, ["--force"], version: row.version)
        #expect(run.code == 1)
        let lines = run.errors.split(separator: "\n").filter { !$0.hasPrefix("  | ") }
        #expect(lines.count == 2, "\(run.errors)")
        #expect(
            lines.first?.hasPrefix("llmstack: ") == true && lines.first?.contains(row.problem) == true, "\(run.errors)")
        #expect(lines.last?.hasPrefix("  \(row.advice)") == true, "\(run.errors)")
        #expect(scratch.text("bin/llama-swap") == "old")
        #expect(scratch.files.filter { $0.hasPrefix("bin/") } == ["bin/llama-swap"])
    }
}
