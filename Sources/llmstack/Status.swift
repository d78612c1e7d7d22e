import ArgumentParser
import Node

/// `llmstack status`: what of this project runs, and what it serves.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what runs, in which channel, and which models it serves.",
        discussion: """
            DOWN means that nobody is there, (other) that a program which is not this project's has the port. The exit \
            code is 0 whether the stack runs or not, and 1 where there is no project.
            """)

    @Flag(name: .customLong("json"), help: "Print one JSON object with the same facts.")
    var printsJSON = false

    func run() async throws {
        let status = try await StackContext().inspector.status()
        print(printsJSON ? status.json : status.text)
    }
}
