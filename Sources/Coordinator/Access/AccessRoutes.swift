package import Cluster
import Foundation
package import Logging
import NIOCore
import NIOPosix
import Synchronization
package import Wire

/// The routes by which a cluster with keys lets somebody in, and by which its nodes tell each other who is.
package final class AccessRoutes: Sendable {
    /// Tries a minute to join from one address: a secret has 128 bits, so this is for the log's sake.
    static let joinLimit = 5
    /// Bytes: a certificate signing request and some names; a whole set.
    static let joinSize = 64 << 10
    static let setSize = 4 << 20

    package let doorkeeper: Doorkeeper
    private let desk: any AccessDesk
    private let tries = Mutex(FailedTries(limit: joinLimit))
    private let renewals = Mutex(FailedTries(limit: Doorkeeper.failureLimit))
    private let onNews: @Sendable () -> Void
    private let note: @Sendable (() -> AuditRecord) -> Void
    private let log: Logger

    /// - Parameter onNews: this host knows something that others may not.
    package init(
        _ doorkeeper: Doorkeeper, _ desk: any AccessDesk, log: Logger,
        note: @escaping @Sendable (() -> AuditRecord) -> Void, onNews: @escaping @Sendable () -> Void
    ) {
        self.doorkeeper = doorkeeper
        self.desk = desk
        self.log = log
        self.note = note
        self.onNews = onNews
    }

    // MARK: The set

    /// `GET`: the whole of it. `POST`: takes what another node knows.
    func access(_ head: RequestHead) -> Admission {
        guard head.method == "POST" else { return .reply(NodeRoutes.json(doorkeeper.set)) }
        return receive(Self.setSize) { body in
            guard let set = try? JSONDecoder().decode(AccessSet.self, from: body) else {
                return OpenAIError(400, "invalid_json", "The body must be a set of entries.").reply
            }
            try await self.take(set)
            return NodeRoutes.json(self.doorkeeper.set)
        }
    }

    /// Somebody on this host has changed the files.
    func reload() -> Admission {
        .answer { errands in
            Self.off(errands.loop) {
                try self.reread()
                return NodeRoutes.json(self.doorkeeper.set)
            }
        }
    }

    /// Takes what another node knows; what is news here is passed on.
    package func take(_ other: AccessSet) async throws { heed(try await desk.merge(other).set) }

    /// Takes what this host's files say.
    package func reread() throws { heed(try desk.current()) }

    /// What is no news to the files may be news here: a command that changed them may not have reached this router.
    private func heed(_ set: AccessSet) {
        // Mostly there is none, and nobody has to wait while that is found out.
        guard set != doorkeeper.set, doorkeeper.use(set) else { return }
        onNews()
    }

    // MARK: Letting in

    func join(_ head: RequestHead, _ peer: Peer) -> Admission {
        let (address, now) = (peer.address, Uptime.seconds)
        if let seconds = tries.withLock({ $0.wait(address, at: now) }) {
            return .reply(
                OpenAIError(
                    429, "rate_limit_exceeded", "Too many tries to join; try again in \(seconds) s.",
                    retryAfter: seconds
                ).reply)
        }
        let words = (head.fields["authorization"] ?? "").split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            return .reply(Doorkeeper.stranger("Joining needs a token's secret.").reply)
        }
        // Each try counts, also one that turns out well, and before it is looked at: many at once must not get by.
        tries.withLock { $0.failed(address, at: now) }
        let secret = String(words[1])
        return receive(Self.joinSize) { body in
            guard let request = try? JSONDecoder().decode(JoinRequest.self, from: body) else {
                throw AccessRefusal(.invalid, "The body must be a request to join.")
            }
            let reply = try await self.desk.join(request, secret: secret)
            try self.reread()
            self.log.notice("\(reply.name) has joined as \(reply.kind.rawValue) from \(address)")
            self.note {
                AuditRecord(
                    time: WallClock.now, actor: request.node?.description.printable(64) ?? "", name: reply.name,
                    address: address, action: "join", subject: reply.kind.rawValue, status: 200)
            }
            return NodeRoutes.json(reply)
        }
    }

    func renew(_ peer: Peer) -> Admission {
        let (address, now) = (peer.address, Uptime.seconds)
        if let seconds = renewals.withLock({ $0.wait(address, at: now) }) {
            return .reply(
                OpenAIError(429, "rate_limit_exceeded", "Too many tries to renew.", retryAfter: seconds).reply)
        }
        return receive(Self.joinSize) { body in
            let reply: RenewReply
            do {
                guard let request = try? JSONDecoder().decode(RenewRequest.self, from: body) else {
                    throw AccessRefusal(.revoked, "The body must be a request to renew a certificate.")
                }
                reply = try await self.desk.renew(request)
            } catch {
                self.renewals.withLock { $0.failed(address, at: now) }
                throw error
            }
            self.note { AuditRecord(time: WallClock.now, address: address, action: "renew", status: 200) }
            return NodeRoutes.json(reply)
        }
    }

    /// Reads a body and works on it off the event loop.
    private func receive(_ limit: Int, _ work: @escaping @Sendable (Data) async throws -> Reply) -> Admission {
        .receive(limit: limit) { [log] body, errands in
            let data = Data(body.readableBytesView)
            let promise = errands.loop.makePromise(of: Reply.self)
            promise.completeWithTask {
                do { return try await work(data) } catch let refusal as AccessRefusal {
                    if refusal.kind == .failed { log.error("\(refusal)") }
                    return OpenAIError(refusal.status, refusal.kind.rawValue, refusal.description).reply
                }
            }
            return promise.futureResult
        }
    }

    private static func off(
        _ loop: any EventLoop, _ work: @escaping @Sendable () throws -> Reply
    ) -> EventLoopFuture<Reply> {
        NIOThreadPool.singleton.runIfActive(eventLoop: loop, work)
    }
}
