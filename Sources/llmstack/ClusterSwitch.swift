import Cluster
import Coordinator
import Logging
import Node
import ServiceLifecycle
import Synchronization

/// Opens and closes the cluster's side of a router as `cluster init`, `join` and `leave` come along: they write a file,
/// and this looks at it twice a second.
final class ClusterSwitch: Service {
    private let assembly: Assembly
    private let router: StackRouter
    private let rules: RoutingRules
    private let files: ClusterFiles
    private let log: Logger
    /// Of the cluster that this host is in now.
    private let agent = Mutex<NodeAgent?>(nil)

    private static let interval = Duration.milliseconds(500)

    init(_ assembly: Assembly, _ router: StackRouter, _ rules: RoutingRules, _ files: ClusterFiles, log: Logger) {
        self.assembly = assembly
        self.router = router
        self.rules = rules
        self.files = files
        self.log = log
    }

    /// models.ini was read again.
    func use(_ catalog: Catalog) { agent.withLock { $0 }?.use(catalog) }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var running: (identity: ClusterIdentity, task: Task<Void, Never>)?
            var complaint = ""
            repeat {
                do {
                    let wanted = try self.files.cluster()
                    if wanted != running?.identity {
                        running?.task.cancel()
                        await running?.task.value
                        running = wanted.map { identity in (identity, Task { await self.serve(identity) }) }
                    }
                    complaint = ""
                } catch {
                    // Said once: the file is looked at again and again.
                    if complaint != "\(error)" { self.log.error("\(error)") }
                    complaint = "\(error)"
                }
            } while (try? await Task.sleep(for: Self.interval)) != nil
            running?.task.cancel()
            await running?.task.value
        }
    }

    /// Until it is cancelled; what hinders it, such as a port that somebody has, may pass.
    private func serve(_ identity: ClusterIdentity) async {
        var complaint = ""
        var pause = Duration.seconds(1)
        while !Task.isCancelled {
            do {
                let stack = try ClusterStack(assembly, router, rules, identity, files, log: log)
                agent.withLock { $0 = stack.agent }
                try await stack.run()
            } catch {
                if complaint != "\(error)" { log.error("this host serves itself alone until this is mended: \(error)") }
                complaint = "\(error)"
            }
            agent.withLock { $0 = nil }
            guard (try? await Task.sleep(for: pause)) != nil else { return }
            pause = min(pause * 2, .seconds(30))
        }
    }
}
