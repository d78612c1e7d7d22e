import ArgumentParser
import Node
import UnixSignals

/// Runs something that SIGINT or SIGTERM cancels, rather than ending the program on the spot.
///
/// - Parameter said: printed when that happened and `body` did not say it itself.
func interruptible(otherwise said: String, _ body: @escaping @Sendable () async throws -> Void) async throws {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    do {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                for await _ in signals { return false }
                return false
            }
            // Whichever ends first ends the other; an interrupted body may still have something to say.
            let isDone = try await group.next() ?? true
            group.cancelAll()
            if !isDone {
                _ = try await group.next()
                throw CancellationError()
            }
        }
    } catch is CancellationError {
        // Over what was being drawn.
        StandardConsole().say(said)
        throw ExitCode(1)
    }
}
