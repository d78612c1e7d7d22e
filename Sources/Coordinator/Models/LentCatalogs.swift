package import Cluster
package import Logging
import Synchronization
import Wire

/// Keeps what other nodes lend at hand: told of each member that changes, it asks for the models.ini that the node's
/// listener shows.
package final class LentCatalogs: Sendable {
    private let shelf = Mutex(LentShelf())
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation
    private let clock = ContinuousClock()
    private let origin: ContinuousClock.Instant
    private let transport: ClusterTransport
    private let log: Logger

    /// Between two looks at what is due.
    private static let interval = Duration.seconds(1)
    /// How long a node may take to answer.
    private static let patience = Duration.seconds(5)
    /// What asks a router for its own, and not for what it knows of others.
    static let ownOnly = (name: "lent", value: "own")

    package init(transport: ClusterTransport = .plain, log: Logger) {
        self.transport = transport
        (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        origin = clock.now
        self.log = log
    }

    private var now: Double { (clock.now - origin) / .seconds(1) }

    /// To be called for each member that changes; nil: it is none any more.
    package func changed(_ id: NodeID, _ member: Membership.Member?) {
        let now = now
        if shelf.withLock({ $0.changed(id, member, at: now) }) { wake.yield() }
    }

    /// What the other nodes lend that are there, as their files say it.
    var files: [LentFile] { shelf.withLock { $0.files } }

    /// What they can serve now.
    var tiers: [LentShelf.OthersTier] { shelf.withLock { $0.tiers } }

    /// Until it is cancelled; once.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                while (try? await self.clock.sleep(for: Self.interval)) != nil { self.wake.yield() }
            }
            for await _ in wakes {
                let now = now
                for question in shelf.withLock({ $0.due(at: now) }) { group.addTask { await self.ask(question) } }
            }
            group.cancelAll()
        }
    }

    private func ask(_ question: LentShelf.Question) async {
        let answer = await answer(question)
        let now = now
        let file = try? answer.get()
        let failures = shelf.withLock { $0.answered(question, file, at: now) }
        // Said once, however often it is tried.
        if failures == 1, case .failure(let fault) = answer {
            log.warning("what \(question.name) lends is not shown: \(fault)")
        }
        wake.yield()
    }

    private struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private func answer(_ question: LentShelf.Question) async -> Result<LentFile, Fault> {
        let reply: (status: Int, body: [UInt8])
        do {
            reply = try await HTTPProbe.ask(
                "GET", at: transport.endpoint(question.place, question.node),
                path: "/models.ini?\(Self.ownOnly.name)=\(Self.ownOnly.value)", timeout: Self.patience)
        } catch {
            return .failure(Fault(description: "\(error)".printable()))
        }
        guard reply.status == 200 else {
            return .failure(Fault(description: "its models.ini answers \(reply.status); its own log may say why"))
        }
        guard reply.body.count <= LentFile.textLimit, let text = String(validating: reply.body, as: UTF8.self) else {
            return .failure(Fault(description: "its models.ini is no text, or too long"))
        }
        do {
            return .success(try LentFile(node: question.node, name: question.name, text: text))
        } catch {
            let line = error.line.map { ":\($0)" } ?? ""
            return .failure(Fault(description: "its models.ini\(line): \(error.problem.printable())"))
        }
    }
}
