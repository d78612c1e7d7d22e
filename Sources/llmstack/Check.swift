import ArgumentParser
import Foundation
import Node

/// `llmstack check`: compares what models.ini asks for with what there is.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the configured models, what is on this machine, and whether it fits.",
        discussion: """
            Marks a tier with DRIFT! when llama-swap.yaml runs another file than models.ini names. Says what Hugging Face \
            has where it is reached. Adds up the memory of what may be loaded together.
            """)

    @Flag(help: "Print one JSON object, for programs.")
    var json = false

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var ignored: [String] = []

    func run() async throws {
        let context = StackContext()
        if try ModelsINI.text(context.work) == nil { try context.refuseIfExternal("check") }
        let catalog = try ModelsINI.load(context.work, environment: context.environment)
        let yaml = try? String(contentsOfFile: context.work.llamaSwapYAML, encoding: .utf8)
        let report = await CheckReport.make(catalog, yaml: yaml, environment: context.environment)
        print(json ? report.json : report.text, terminator: "")
    }
}
