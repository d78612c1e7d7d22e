import Foundation
import Testing

/// `install --token` and `--direct`, as they are typed wrongly.
struct KeyedInstallTests {
    private static let token = "llmstack-1-\(String(repeating: "a", count: 52))-\(String(repeating: "a", count: 26))"

    static let cases: [(typed: [String], code: Int32, says: [String])] = [
        (["install", "--token", token], 2, ["--token goes with --external"]),
        (["install", "--direct"], 2, ["--direct goes with --external"]),
        (["install", "--external", "auto", "--token", "abc"], 2, ["this is no token", "fix: "]),
        (["install", "--print", "--external", "auto", "--token", token], 2, ["--print changes nothing"]),
        (["install", "--external", "auto", "--token", "-"], 1, ["there is no token", "--role client"]),
        (["install", "--external", "auto", "--token", token], 1, ["routers cannot be looked for", "fix: "]),
        (["install", "--external", "https://127.0.0.1:1", "--token", token], 1, ["no router answers", "fix: "]),
    ]

    @Test(arguments: cases) func whatIsWrongIsSaidAndNothingIsWritten(
        _ typed: [String], _ code: Int32, _ says: [String]
    ) throws {
        let terminal = try Terminal()
        let run = try terminal.run(typed, environment: ["LLMSTACK_DISCOVERY": "none"])
        #expect(run.code == code)
        for text in says { #expect((run.output + run.errors).contains(text), "\(run.output)\(run.errors)") }
        // A token is a secret until it is spent.
        #expect(!(run.output + run.errors).contains(Self.token))
        #expect(!FileManager.default.fileExists(atPath: terminal.state.appending(path: "opencode.json").path))
    }

    @Test func theHelpSaysWhereATokenComesFrom() throws {
        let help = try Terminal().run(["install", "--help"])
        #expect(help.code == 0)
        for text in ["--token", "--direct", "llmstack cluster invite --role client"] {
            #expect(help.output.contains(text), "\(help.output)")
        }
    }
}
