import ArgumentParser

/// `llmstack completions SHELL`: what the shell needs to complete verbs and options, made from the command line itself.
struct Completions: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the completion script of a shell.",
        discussion: """
            bash:  source <(llmstack completions bash)
            zsh:   llmstack completions zsh > "${fpath[1]}/_llmstack"
            fish:  llmstack completions fish > ~/.config/fish/completions/llmstack.fish
            """)

    enum Shell: String, CaseIterable, ExpressibleByArgument {
        case bash, zsh, fish
    }

    @Argument(help: "The shell to complete in.")
    var shell: Shell

    func run() {
        let target: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        print(LLMStack.completionScript(for: target))
    }
}
