package import Cluster
import Foundation
package import Logging
import Synchronization
import Wire

/// Keeps the nodes' copies of the access set the same: what is news here is told to all at once, and all are asked every
/// ``interval``, and when they come up, for what did not get through. So often this host's own files are read, too.
package final class AccessExchange: Sendable {
    private static let interval = Duration.seconds(30)
    private static let patience = Duration.seconds(3)
    private static let path = "/llmstack/v1/access"

    private enum Wake: Hashable, Sendable {
        case push, pull
    }

    private let transport: ClusterTransport
    private let members: @Sendable () -> [(id: NodeID, place: Place)]
    private let wakes: AsyncStream<Wake>
    private let waker: AsyncStream<Wake>.Continuation
    private let up = Mutex<Set<NodeID>>([])
    private let log: Logger

    /// - Parameter members: the other nodes that are there, and where.
    package init(
        _ transport: ClusterTransport, log: Logger, members: @escaping @Sendable () -> [(id: NodeID, place: Place)]
    ) {
        self.transport = transport
        self.log = log
        self.members = members
        // A wake that is dropped is no loss: the ones that wait mean the same.
        (wakes, waker) = AsyncStream.makeStream(of: Wake.self, bufferingPolicy: .bufferingNewest(16))
    }

    /// Something is known here that others may not know.
    package func hasNews() { waker.yield(.push) }

    /// A node is up, or not. One that has come up may know something.
    package func changed(_ id: NodeID, isUp: Bool) {
        let isNew = up.withLock { up in
            if isUp { return up.insert(id).inserted }
            up.remove(id)
            return false
        }
        if isNew { waker.yield(.push) }
    }

    /// Until it is cancelled; once.
    package func run(_ routes: AccessRoutes) async {
        await withDiscardingTaskGroup { group in
            group.addTask { [waker] in
                repeat { waker.yield(.pull) } while (try? await Task.sleep(for: Self.interval)) != nil
            }
            for await wake in wakes {
                if wake == .pull { reread(routes) }
                let set = routes.doorkeeper.set
                for member in members() {
                    // Beside each other: one that sleeps must not hold up the word to the others.
                    group.addTask { await self.ask(member.id, member.place, wake == .push ? set : nil, routes) }
                }
            }
            group.cancelAll()
        }
    }

    /// A command that changed the files may not have reached this router.
    private func reread(_ routes: AccessRoutes) {
        do { try routes.reread() } catch { log.debug("who is let in was not read again: \(error)") }
    }

    /// Tells a node and hears from it, in one exchange; or only hears.
    private func ask(_ id: NodeID, _ place: Place, _ news: AccessSet?, _ routes: AccessRoutes) async {
        do {
            let body = try news.map { Array(try JSONEncoder().encode($0)) } ?? []
            let reply = try await HTTPProbe.ask(
                news == nil ? "GET" : "POST", at: transport.endpoint(place, id), path: Self.path, body: body,
                timeout: Self.patience)
            guard reply.status == 200 else { return }
            try await routes.take(try JSONDecoder().decode(AccessSet.self, from: Data(reply.body)))
        } catch {
            log.debug("who is let in was not compared with \(id): \(error)")
        }
    }
}
