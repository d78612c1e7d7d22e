import Foundation
import Testing

/// Standard streams that are closed or full, or lead to what cannot be read: a command ends with a word, not with a signal.
struct StandardStreamTests {
    static let hasFullDevice = FileManager.default.fileExists(atPath: "/dev/full")

    /// - Parameter line: for the shell, in which `$0` is the program.
    private func run(_ line: String) async throws -> Terminal.Result {
        let terminal = try Terminal()
        try terminal.write("[code-fast]\nrole = fast\nhf_repo = a/b\nhf_file = c.gguf\n", to: ".llmstack/models.ini")
        return try await aside {
            try terminal.run(["-c", line, terminal.program.path], program: URL(filePath: "/bin/sh"))
        }
    }

    @Test(
        .enabled(if: StandardStreamTests.hasFullDevice),
        arguments: ["--help", "--version", "cluster status", "completions bash", "install --print"])
    func outputThatIsLostIsAnError(_ words: String) async throws {
        let result = try await run("exec \"$0\" \(words) >/dev/full")
        #expect(result.code == 1, "\(result)")
        #expect(result.errors.contains("llmstack: standard output cannot be written: "), "\(result)")
        #expect(result.errors.contains("\n  fix: "), "\(result)")
    }

    @Test(
        arguments: [
            ("--version >&-", 1, "standard output cannot be written"), ("frobnicate 2>&-", 1, ""),
            ("reload 2>&-", 0, ""), ("explain <&-", 1, "standard input is empty"),
            ("explain </", 1, "cannot read standard input: is a directory\n  fix: "),
            ("explain /", 1, "cannot read /: is a directory\n  fix: "),
        ] as [(String, Int32, String)])
    func aStreamThatIsClosedOrADirectoryEndsNothing(_ words: String, _ code: Int32, _ says: String) async throws {
        let result = try await run("exec \"$0\" \(words)")
        #expect(result.code == code, "\(result)")
        #expect(says.isEmpty ? result.errors.isEmpty : result.errors.contains("llmstack: \(says)"), "\(result)")
    }

    @Test(.enabled(if: StandardStreamTests.hasFullDevice)) func errorsThatAreLostChangeNothing() async throws {
        #expect(try await run("exec \"$0\" frobnicate 2>/dev/full").code == 1)
        #expect(try await run("exec \"$0\" reload 2>/dev/full").code == 0)
    }

    @Test func aReaderThatHasEnoughIsNoError() async throws {
        let result = try await run("\"$0\" completions bash | head -n 1")
        #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
    }
}
