import ArgumentParser
import Node

/// `llmstack stop`: ends this project's daemons and what they started.
struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop this project's router, llama-swap and llama-servers.",
        discussion: """
            Only what this project started is ended; another project's daemons are left alone and named. The router \
            first finishes the replies that it is streaming, for ten seconds at most. Stopping what does not run is fine.
            """)

    func run() async throws {
        await StackContext().stopper.stop()
    }
}
