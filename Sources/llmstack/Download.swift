import ArgumentParser
import Node

/// `llmstack download`: fetches the weights that models.ini names.
struct Download: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Download the models' weights in the background.",
        discussion: """
            Those in use (hf_file) and those queued (hf_file_next). Each file is fetched by llama.cpp itself (llama-completion), so it lies where llama-server looks for it. What \
            is there, or under way, is not fetched again. The downloads go on when this command ends; their logs are \
            .llmstack/logs/dl-TIER-current.log and dl-TIER-next.log. HF_TOKEN opens private repositories.
            """)

    @Flag(help: "Watch them until all have ended.")
    var wait = false

    func run() async throws {
        let context = StackContext()
        try context.refuseIfExternal("download")
        let catalog = try ModelsINI.load(context.work, environment: context.environment)
        let downloader = context.downloader
        let running = try downloader.start(catalog)
        guard wait else { return downloader.explain(running) }
        try await interruptible(otherwise: "the downloads go on; llmstack download --wait watches them again") {
            try await downloader.wait(for: running)
        }
    }
}

extension StackContext {
    var downloader: ModelDownloader {
        ModelDownloader(work: work, environment: environment, table: table, console: console)
    }

    /// Ends the command where the models and programs are another host's.
    func refuseIfExternal(_ verb: String) throws {
        guard let refusal = LocalOnly.refusal(verb, work: work, environment: environment) else { return }
        console.say(refusal)
        throw ExitCode(1)
    }
}
