import Foundation
import Testing

struct CompletionsTests {
    @Test(arguments: ["bash", "zsh", "fish"]) func everyVerbIsCompleted(_ shell: String) throws {
        let result = try Terminal().run(["completions", shell])
        #expect(result.code == 0)
        for verb in ["install", "start", "status", "explain", "activate"] { #expect(result.output.contains(verb)) }
    }

    @Test func bashTakesTheScript() throws {
        let terminal = try Terminal()
        let script = try terminal.run(["completions", "bash"]).output
        let process = terminal.process([])
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", "source /dev/stdin && complete -p llmstack"]
        let input = Pipe()
        let output = Pipe()
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        input.fileHandleForWriting.write(Data(script.utf8))
        try input.fileHandleForWriting.close()
        let shown = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(shown.contains("complete") && shown.contains("llmstack"))
    }

    /// `source <(llmstack completions nosuch)` would run it.
    @Test func whatIsWrongIsNotAmongTheScript() throws {
        let result = try Terminal().run(["completions", "nosuch"])
        #expect(result.code == 2 && result.output.isEmpty && result.errors.contains("nosuch"), "\(result)")
    }

    @Test func filesAndShellsAreCompleted() throws {
        let script = try Terminal().run(["completions", "bash"]).output
        let parts = script.split(separator: "\n_llmstack_")
        let explain = try #require(parts.first { $0.hasPrefix("explain()") })
        #expect(explain.contains("_add_completions -f"), "\(explain)")
        let activate = try #require(parts.first { $0.hasPrefix("activate()") })
        #expect(activate.contains("powershell"), "\(activate)")
    }
}
