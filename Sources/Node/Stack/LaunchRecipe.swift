import Foundation

/// How each daemon of a project is started: program, arguments, environment.
package struct LaunchRecipe: Sendable {
    package let work: WorkDirectory
    package let endpoints: Endpoints
    /// Of the command that starts the stack: its settings reach the daemons.
    package let environment: [String: String]
    /// This very program.
    package let llmstack: String

    package init(work: WorkDirectory, endpoints: Endpoints, environment: [String: String], llmstack: String) {
        self.work = work
        self.endpoints = endpoints
        self.environment = environment
        self.llmstack = llmstack
    }

    /// What a shell inside some project exports; a daemon has a project and channel of its own.
    private static let ofTheShell = [
        "LLMSTACK_ACTIVE", "LLMSTACK_CHANNEL", "LLMSTACK_REMOTE_URL", "LLMSTACK_USE_NEXT", "OPENCODE_CONFIG",
        DaemonIdentity.markVariable,
    ]

    package func daemon(_ kind: DaemonKind, channel: Channel) -> Daemon {
        var environment = environment
        for name in Self.ofTheShell { environment[name] = nil }
        environment["LLMSTACK_WORK_DIR"] = work.path
        environment["LLMSTACK_CHANNEL"] = channel.marker.trimmingCharacters(in: .whitespacesAndNewlines)
        environment[DaemonIdentity.markVariable] = DaemonIdentity(work: work).mark(kind)
        let arguments: [String]
        switch kind {
        case .llamaSwap:
            arguments = ["--config", work.llamaSwapYAML, "--listen", Endpoints.llamaSwapListen]
        case .router:
            arguments = [DaemonKind.router.name]
            environment["ROUTER_HOST"] = endpoints.routerHost
            environment["ROUTER_PORT"] = String(endpoints.routerPort)
            environment["LLMSTACK_MODELS_INI"] = work.modelsINI
            if (environment["LLAMA_SWAP_URL"] ?? "").isEmpty {
                environment["LLAMA_SWAP_URL"] = endpoints.base(.llamaSwap)
            }
            if channel.usesNext { environment["LLMSTACK_USE_NEXT"] = "1" }
        }
        return Daemon(
            executable: kind == .llamaSwap ? work.llamaSwap : llmstack, arguments: arguments, environment: environment,
            log: StackObserver.log(kind, in: work))
    }
}
