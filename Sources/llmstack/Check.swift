import ArgumentParser
import Cluster
import Foundation
import Logging
import Node

/// `llmstack check`: compares what models.ini asks for with what there is.
struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the configured models, what is on this machine, and whether it fits.",
        discussion: """
            Marks a tier with DRIFT! when llama-swap.yaml runs another file than models.ini names. Says what Hugging Face \
            has where it is reached. Adds up the memory of what may be loaded together. With --live it asks AWS whose \
            credentials the hosted tiers have.
            """)

    @Flag(help: "Print one JSON object, for programs.")
    var json = false

    @Flag(help: "Ask AWS for whom each hosted tier's credentials are. No model is asked.")
    var live = false

    @Argument(parsing: .allUnrecognized, help: .hidden)
    var ignored: [String] = []

    func run() async throws {
        let context = StackContext()
        if try ModelsINI.text(context.work) == nil { try context.refuseIfExternal("check") }
        let catalog = try ModelsINI.load(context.work, environment: context.environment)
        _ = try Endpoints(checking: context.environment, catalog.defaults)
        let yaml = try? String(contentsOfFile: context.work.llamaSwapYAML, encoding: .utf8)
        let report = await CheckReport.make(
            catalog, yaml: yaml, environment: context.environment, access: live ? await access(catalog, context) : [])
        print(json ? report.json : report.text, terminator: "")
    }

    private func access(_ catalog: Catalog, _ context: StackContext) async -> [HostedAccess] {
        let quiet = Logger(label: "llmstack.check") { _ in SwiftLogNoOpLogHandler() }
        let surroundings = AWSSurroundings.host(environment: context.environment)
        let usesNext = context.environment["LLMSTACK_USE_NEXT"] == "1"
        let backend = BedrockBackend(
            transport: CurlMulti(), credentials: CredentialStore(surroundings, log: quiet), usesNext: usesNext,
            environment: context.environment, log: quiet)
        return await HostedAccess.ask(catalog, usesNext: usesNext, backend: backend, surroundings: surroundings)
    }
}
