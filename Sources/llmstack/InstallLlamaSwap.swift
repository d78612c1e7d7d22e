import ArgumentParser
import Node

/// `llmstack install-llama-swap`: fetches the program that loads and unloads models.
struct InstallLlamaSwap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install-llama-swap",
        abstract: "Download the llama-swap program.",
        discussion: """
            From its releases on GitHub to ~/.local/share/llmstack/bin (LLMSTACK_BIN_DIR moves it), for all projects of \
            this user. Its checksum is compared, and it is tried before it takes the old one's place. \
            LLAMA_SWAP_VERSION=v211 takes that release, LLMSTACK_LLAMA_SWAP_RELEASES another address of the releases.
            """)

    @Flag(help: "Fetch it even when it is there.")
    var force = false

    func run() async throws {
        let context = StackContext()
        try context.refuseIfExternal("install-llama-swap")
        let install = LlamaSwapInstall(work: context.work, environment: context.environment, console: context.console)
        let force = force
        try await interruptible(otherwise: "stopped") { _ = try await install.run(force: force) }
    }
}
