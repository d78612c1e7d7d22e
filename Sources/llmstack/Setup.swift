import ArgumentParser
import Node

/// `llmstack setup`: brings a fresh machine to where `install` and `start` work.
struct Setup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prepare this machine: weights, llama-swap, prompt hook, memory.",
        discussion: """
            The weights are those that .llmstack/models.ini names, the queued ones included; about 150 GB for the shipped \
            file. To choose others, run llmstack install and edit the file first. Run setup again at any time: what is \
            done already is left as it is.
            """)

    @Flag(help: "Leave the weights alone.")
    var skipDownload = false

    @Flag(help: "Start the downloads, and do not wait for them.")
    var skipWait = false

    func run() async throws {
        let context = StackContext()
        try context.refuseIfExternal("setup")
        let walk = SetupWalk(
            work: context.work, environment: context.environment, table: context.table, console: context.console,
            hook: .init { [work = context.work] shell in try HookShell(shell)?.install(home: work.home) })
        let options = SetupWalk.Options(skipsDownload: skipDownload, skipsWait: skipWait)
        try await interruptible(
            otherwise: "stopped; downloads go on by themselves, and llmstack setup goes on from here"
        ) {
            guard try await walk.run(options) else { throw ExitCode(1) }
        }
    }
}
