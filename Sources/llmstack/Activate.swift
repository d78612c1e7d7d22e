import ArgumentParser
import Foundation
import Node

/// `llmstack activate SHELL`: writes the prompt hook. Standard output is for `eval` and holds only the line that turns it on.
struct Activate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the prompt hook of a shell: projects are wired as you cd into them.",
        discussion: """
            SHELL is bash, zsh or powershell. Put this into your shell's start-up file:

              eval "$(llmstack activate zsh)"

            Within a project the hook exports OPENCODE_CONFIG and what llmstack needs, and shows the project in the prompt; \
            outside it puts back what you had.
            """)

    @Argument(
        help: "The shell; what follows it is ignored.", completion: .list(HookShell.allCases.map(\.rawValue)))
    var shell: [String] = []

    struct Unsupported: Error, CustomStringConvertible {
        let shell: String

        var description: String {
            "there is no hook for \(shell)\n  fix: use bash, zsh or powershell; in another shell, set "
                + "OPENCODE_CONFIG=.llmstack/opencode.json yourself"
        }
    }

    func run() throws {
        guard let name = shell.first else { throw CleanExit.helpRequest(self) }
        guard let shell = HookShell(name) else { throw Unsupported(shell: name) }
        let home = WorkDirectory.current().home
        let present = try? String(contentsOfFile: shell.hookPath(home: home), encoding: .utf8)
        let path = try shell.install(home: home)
        print(shell.sourceLine(path))
        // In a start-up file it runs for every new shell, which must not be greeted each time.
        guard present != shell.hook else { return }
        StandardStream.errors.put("wrote \(path)\n  next: add to \(shell.startupFile):  \(shell.startupLine)\n")
    }
}
