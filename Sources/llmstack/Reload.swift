import ArgumentParser
import Foundation
import Node

/// `llmstack reload`: shell code for `eval` that brings this shell up to date with its project.
struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print shell code that brings this shell up to date with the project.",
        discussion: """
            Use it after install or restart in a shell that has no prompt hook:

              eval "$(llmstack reload)"

            The shell is $LLMSTACK_SHELL, else $SHELL.
            """)

    func run() throws {
        guard let reload = ShellReload(.current()) else {
            StandardStream.errors.put(
                "llmstack: this directory is no project, so nothing is changed\n  next: llmstack install\n")
            return
        }
        let environment = ProcessInfo.processInfo.environment
        let shell = [environment["LLMSTACK_SHELL"], environment["SHELL"]].compactMap { $0 }.first { !$0.isEmpty }
        print(reload.code(for: shell.flatMap { HookShell($0) }), terminator: "")
    }
}
