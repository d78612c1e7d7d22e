import Foundation
import Testing

/// `cluster backup`: who seals a file types a passphrase that opens it again, or nothing is written.
struct BackupVerbTests {
    static let setsid = "/usr/bin/setsid"
    private static let variable = "LLMSTACK_BACKUP_PASSPHRASE"
    private static let question = "passphrase for the backup: "

    /// A host in a cluster with keys.
    private func issuer() async throws -> Terminal {
        let terminal = try Terminal()
        let made = try await aside {
            try terminal.run(["cluster", "init", "--name", "team"], environment: UserErrorTests.alone)
        }
        #expect(made.code == 0, "\(made)")
        return terminal
    }

    private func isThere(_ terminal: Terminal) -> Bool {
        FileManager.default.fileExists(atPath: terminal.project.appending(path: "copy").path)
    }

    @Test func aPassphraseHasEightCharactersOrMore() async throws {
        let terminal = try await issuer()
        for (environment, input) in [([Self.variable: "7 chars"], ""), ([:], "7 chars\n"), ([Self.variable: ""], "")] {
            let result = try await aside {
                try terminal.run(["cluster", "backup", "copy"], environment: environment, input: input)
            }
            #expect(result.code == 1 && result.errors.contains("fewer than 8 characters"), "\(result)")
            #expect(result.errors.contains("\n  fix: "), "\(result)")
            #expect(!isThere(terminal))
        }
        let written = try await aside {
            try terminal.run(["cluster", "backup", "copy"], environment: [Self.variable: "8 chars."])
        }
        #expect(written.code == 0 && isThere(terminal), "\(written)")
    }

    @Test func aFolderThatIsNotThereIsNamedAndNotMade() async throws {
        let terminal = try await issuer()
        let result = try await aside {
            try terminal.run(["cluster", "backup", "nowhere/copy"], environment: [Self.variable: "correct horse"])
        }
        #expect(result.code == 1 && result.errors.contains("there is no directory "), "\(result)")
        #expect(result.errors.contains("my project/nowhere\n  fix: "), "\(result)")
        #expect(!FileManager.default.fileExists(atPath: terminal.project.appending(path: "nowhere").path))
    }

    @Test(
        arguments: [
            (["correct horse\n", "correct horse\n"], 0, "wrote copy"),
            (["correct horse\n", "correct house\n"], 1, "the second passphrase is another"),
            (["correct\n"], 1, "fewer than 8 characters"), (["\u{4}"], 1, "there is no passphrase"),
        ] as [([String], Int32, String)])
    func aPassphraseIsTypedTwiceAndNotShown(_ typed: [String], _ code: Int32, _ says: String) async throws {
        let terminal = try await issuer()
        let process = terminal.process(["cluster", "backup", "copy"])
        let questions = [Self.question, "the same again: "]
        let shown = try PseudoTerminal.run(
            process, answering: zip(questions, typed).map { (question: $0, typed: $1) })
        #expect(process.terminationStatus == code && shown.contains(says), "\(shown)")
        #expect(!shown.contains("horse") && isThere(terminal) == (code == 0), "\(shown)")
    }

    /// It needs a terminal that signals its programs.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: BackupVerbTests.setsid)))
    func controlCEndsItAndTheTerminalShowsWhatIsTypedAgain() async throws {
        let terminal = try await issuer()
        let process = terminal.process([])
        process.executableURL = URL(filePath: Self.setsid)
        let script = "trap : INT; \"$0\" cluster backup copy; echo \"code $?\"; stty -a"
        process.arguments = ["--ctty", "--wait", "/bin/sh", "-c", script, terminal.program.path]
        let shown = try PseudoTerminal.run(process, answering: [(question: Self.question, typed: "hidden\u{3}")])
        #expect(shown.contains("code 130") && shown.contains(" echo "), "\(shown)")
        #expect(!shown.contains("hidden") && !isThere(terminal), "\(shown)")
    }
}
