import ArgumentParser
import Node

/// The command line. Each verb is in the file of its name.
@main
struct LLMStack: AsyncParsableCommand {
    /// Follows Semantic Versioning; set when a release is made.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "llmstack",
        abstract: "Serve your machine's language models as one OpenAI-compatible endpoint.",
        discussion: """
            First:  llmstack install     write this project's configuration
                    llmstack setup       fetch llama-swap and the models' weights
                    llmstack start       bring up llama-swap and the router
                    llmstack status      see what runs
            Then send requests to http://127.0.0.1:10101/v1 with "model": "auto".
            """,
        version: "llmstack \(version)",
        subcommands: [
            Setup.self, Install.self, Start.self, Stop.self, Restart.self, Status.self, Check.self, Download.self,
            InstallLlamaSwap.self, Activate.self, Reload.self, Completions.self, Explain.self, Router.self,
            ClusterVerb.self, Join.self, Nodes.self, Drain.self, Doctor.self,
        ])

    static func main() async {
        StandardStream.reserve()
        let arguments = CommandLineArguments(Array(CommandLine.arguments.dropFirst()))
        await Outcome.of(arguments).leave()
    }
}
