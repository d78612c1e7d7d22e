import ArgumentParser
import Node

/// `llmstack restart`: stop, then start, once it is clear that the start has what it needs.
struct Restart: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the stack and start it again, perhaps in the other channel.",
        discussion: """
            Use it after editing models.ini, and to change between --current and --next. When something is missing or \
            wrong it says so and stops nothing. What llmstack start --foreground looks after is restarted by whatever runs \
            that: systemd, launchd or you.
            """)

    @OptionGroup var options: StartOptions

    func run() async throws {
        let context = StackContext()
        let starter = try context.starter()
        if let gateway = try Gateway(context.work) {
            _ = try Preflight(context.work, gateway: gateway)
        } else if case .external? = context.work.pinnedChannel {
            try Preflight.requireOpencode(context.work)
        } else {
            _ = try Preflight(
                work: context.work, blueprint: context.blueprint, wanted: options.channel,
                environment: context.environment)
        }
        try context.stopper.refuseRestartOfSupervised()
        try await context.followRouter()
        await context.stopper.stop()
        let channel = try await starter.start(wanted: options.channel)
        try context.enterShell(channel, unless: options.detaches)
    }
}
