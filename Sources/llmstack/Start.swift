import ArgumentParser
import Node
import UnixSignals

/// `--current`, `--next`, `--detach`: what `start` and `restart` have in common.
struct StartOptions: ParsableArguments {
    enum Wanted: String, EnumerableFlag {
        case current, next

        static func help(for value: Wanted) -> ArgumentHelp? {
            switch value {
            case .current: "Run the models in use."
            case .next: "Run the models queued to replace them."
            }
        }
    }

    @Flag(exclusivity: .chooseLast)
    var wanted: Wanted?

    @Flag(
        name: [.customLong("detach"), .customLong("no-shell")],
        help: "Return when the stack answers; do not enter a shell.")
    var detaches = false

    /// nil takes the channel that `install` pinned.
    var channel: Channel? { wanted.map { $0 == .next ? .next : .current } }
}

/// `llmstack start`: brings the local stack up and enters a shell that is wired to it.
struct Start: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start llama-swap and the router, then enter a shell wired to them.",
        discussion: """
            Both run on when you leave the shell; llmstack stop ends them. Starting what runs already changes nothing, \
            and a daemon that died is started again. Their logs are in .llmstack/logs. Inside a shell that is wired \
            already no second one is entered. In a project that uses another host's router nothing is started: the \
            router is looked up and the shell entered; one that was found by name is found again where it is now. Of a \
            cluster with keys the gateway is started, which finds its routers by itself.
            """)

    @OptionGroup var options: StartOptions

    @Flag(help: "Stay, watch both daemons and start them again when they die: for systemd and launchd.")
    var foreground = false

    func validate() throws {
        if foreground, options.detaches {
            throw ValidationError("--foreground stays, --detach does not: give one of them")
        }
    }

    func run() async throws {
        let context = StackContext()
        if foreground {
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            let (stop, request) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask {
                    for await _ in signals { request.yield() }
                }
                try await StackSupervisor(starter: context.starter()).run(wanted: options.channel, stop: stop)
                group.cancelAll()
            }
            return
        }
        try await context.followRouter()
        let channel = try await context.starter().start(wanted: options.channel)
        try context.enterShell(channel, unless: options.detaches)
    }
}

extension StackContext {
    /// Turns this process into the project's shell, unless told not to or inside one already.
    func enterShell(_ channel: Channel, unless detaches: Bool) throws {
        guard !detaches, environment["LLMSTACK_ACTIVE"] != "1" else { return }
        let shell = Subshell(
            work: work, channel: channel, root: try? Shipped.root(environment: environment), environment: environment)
        if (try? Gateway(work)) ?? nil != nil {
            console.say("the gateway runs on when you leave this shell; llmstack stop ends it")
        } else if channel.isLocal {
            console.say("the stack runs on when you leave this shell; llmstack stop ends it")
        }
        try shell.enter()
    }
}
