package import Cluster
package import Foundation
package import Trust
package import Wire

/// What a host of a cluster with keys keeps in its files, and does with them: who is let in, its own certificate, and where
/// it is an issuer the authority.
package struct TrustDesk: AccessDesk {
    package let cluster: ClusterIdentity
    package let own: NodeID
    package let secrets: ClusterSecrets
    private let clock: @Sendable () -> Date

    /// - Parameter clock: the time by the wall.
    package init(
        _ cluster: ClusterIdentity, _ own: NodeID, _ secrets: ClusterSecrets,
        clock: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.cluster = cluster
        self.own = own
        self.secrets = secrets
        self.clock = clock
    }

    // MARK: Who is let in

    package func current() throws -> AccessSet { try Self.access(secrets) }

    private static func access(_ secrets: ClusterSecrets) throws -> AccessSet {
        try secrets.value(AccessSet.self, of: .access) ?? AccessSet()
    }

    package func merge(_ other: AccessSet) async throws -> (set: AccessSet, isNews: Bool) {
        let (set, changed) = try await change { set in set.merge(other) }
        return (set, !changed.isEmpty)
    }

    /// Reads the set, changes it, and writes it; nobody else does in between.
    private func change<Answer: Sendable>(
        _ body: @escaping @Sendable (inout AccessSet) throws -> Answer
    ) async throws -> (set: AccessSet, answer: Answer) {
        try await secrets.withLock { secrets in
            let before = try Self.access(secrets)
            var set = before
            let answer = try body(&set)
            if set != before { try secrets.write(set, as: .access) }
            return (set, answer)
        }
    }

    /// Those of a name or an id who are let in are no more.
    ///
    /// - Returns: who that was.
    package func revoke(_ name: String) async throws -> [AccessEntry] {
        let (own, time) = (own, clock().timeIntervalSince1970)
        return try await change { set in
            let those = set.named(name).filter { $0.revoked == nil }
            for entry in those { _ = set.revoke(entry.id, by: own, at: time) }
            return those
        }.answer
    }

    /// Lets somebody in.
    ///
    /// - Throws: ``AccessRefusal`` where there is no place.
    func admit(_ entry: AccessEntry) async throws {
        _ = try await change { set in try Self.put(entry, in: &set) }
    }

    private static func put(_ entry: AccessEntry, in set: inout AccessSet) throws {
        guard set.put(entry) else {
            throw AccessRefusal(
                .failed,
                "the cluster remembers \(AccessSet.limit) nodes and clients, revoked ones among them, and no more: "
                    + "a new one must be made")
        }
    }

    /// - Returns: whose limits are changed.
    package func limit(_ name: String, _ limits: KeyLimits) async throws -> [AccessEntry] {
        let own = own
        return try await change { set in
            let those = set.named(name).filter { $0.kind == .client && $0.revoked == nil }
            for var entry in those {
                entry.limits = limits
                entry.writer = own
                _ = set.put(entry)
            }
            return those
        }.answer
    }

    // MARK: The authority

    /// - Throws: ``AccessRefusal`` where this host is no issuer, or ``SecretsFailure``.
    package func authority() throws -> ClusterAuthority {
        guard let authority = try secrets.authority() else {
            throw AccessRefusal(.notIssuer, "this host does not hold the authority of \(cluster.name)")
        }
        return authority
    }

    /// Whether this host holds the authority.
    ///
    /// - Throws: ``SecretsFailure`` where it has one that cannot be used: that is no answer of no.
    package func isIssuer() throws(SecretsFailure) -> Bool { try secrets.authority() != nil }

    /// A new token, for one host or client.
    package func invite(
        _ kind: AccessEntry.Kind, name: String?, limits: KeyLimits = .standard
    ) async throws -> JoinToken {
        let token = JoinToken(pin: try authority().pin)
        let (hash, now) = (token.secretHash, clock())
        try await secrets.withLock { secrets in
            var book = try secrets.value(InvitationBook.self, of: .invitations) ?? InvitationBook()
            book.invite(kind, name: name, limits: limits, hash: hash, now: now)
            try secrets.write(book, as: .invitations)
        }
        return token
    }

    package func join(_ request: JoinRequest, secret: String) async throws -> JoinReply {
        do { return try await admit(request, secret: secret) } catch let refusal as AccessRefusal {
            throw refusal
        } catch let failure as IssueFailure {
            throw AccessRefusal(.invalid, failure.description)
        } catch {
            throw AccessRefusal(.failed, "\(error)")
        }
    }

    /// 1. Whom the token is not for, whose id is known, and who finds no place is refused before the token is used up.
    /// 2. The token is used up before anything is given for it.
    private func admit(_ request: JoinRequest, secret: String) async throws -> JoinReply {
        let authority = try authority()
        guard ClusterIdentity.isName(request.name) else {
            throw AccessRefusal(.invalid, "the name is none: use letters, digits, - and _")
        }
        let leaf = try request.request.map {
            try LeafRequest(
                certificateRequest: $0, name: request.name, dnsNames: request.dnsNames, addresses: request.addresses)
        }
        let now = clock()
        // 1
        let invitation = try Self.redeemed(secret, request, leaf, secrets, now: now).invitation
        let (entry, given) = try welcome(request, leaf, invitation, by: authority, now: now)
        let access = try await secrets.withLock { secrets in
            // 1: somebody may have been faster.
            let (book, before, _) = try Self.redeemed(secret, request, leaf, secrets, now: now)
            var access = before
            try Self.put(entry, in: &access)
            // 2
            try secrets.write(book, as: .invitations)
            try secrets.write(access, as: .access)
            return access
        }
        var reply = given
        if leaf != nil { reply.access = access }
        return reply
    }

    /// The book without the token, which is on the disk still, and whom the token lets in.
    private static func redeemed(
        _ secret: String, _ request: JoinRequest, _ leaf: LeafRequest?, _ secrets: ClusterSecrets, now: Date
    ) throws -> (book: InvitationBook, access: AccessSet, invitation: Invitation) {
        var book = try secrets.value(InvitationBook.self, of: .invitations) ?? InvitationBook()
        let access = try access(secrets)
        let invitation = try take(book.redeem(secret, now: now))
        try require(request, leaf, fits: invitation.kind, access)
        return (book, access, invitation)
    }

    /// What a newcomer is written down as, and given.
    private func welcome(
        _ request: JoinRequest, _ leaf: LeafRequest?, _ invitation: Invitation, by authority: ClusterAuthority,
        now: Date
    ) throws -> (AccessEntry, JoinReply) {
        let name = invitation.name ?? request.name
        var reply = JoinReply(cluster: cluster, name: name, kind: invitation.kind, authority: authority.certificatePEM)
        var entry = AccessEntry(
            id: request.node?.description ?? "", kind: invitation.kind, name: name, limits: invitation.limits,
            added: now.timeIntervalSince1970, writer: own)
        if let leaf, let node = request.node {
            let role: PeerIdentity.Role = invitation.kind == .issuer ? .issuer : .node
            let signed = try authority.sign(
                leaf, identity: PeerIdentity(cluster: cluster.id, node: node, role: role), now: now)
            reply.certificate = signed.certificatePEM
            reply.leftOut = signed.leftOut
            if role == .issuer { reply.authorityKey = authority.keyPEM }
        } else {
            let key = ClientKey()
            entry.id = key.id
            entry.keyHash = key.digest.hex
            reply.key = key.text
        }
        return (entry, reply)
    }

    private static func require(
        _ request: JoinRequest, _ leaf: LeafRequest?, fits kind: AccessEntry.Kind, _ access: AccessSet
    ) throws {
        if kind == .client {
            guard leaf == nil else {
                throw AccessRefusal(
                    .invalid, "this token is for a thin client: llmstack install --external auto --token TOKEN")
            }
            return
        }
        guard leaf != nil, let node = request.node, Advertisement.isIdentifier(node.description) else {
            throw AccessRefusal(.invalid, "this token is for a node: llmstack join TOKEN")
        }
        if access.isRevoked(node.description) {
            throw AccessRefusal(
                .revoked, "this node was revoked; llmstack cluster leave, on it, makes it another one that may join")
        }
        // Nobody becomes another member by a token. That one itself renews its certificate, and needs none.
        guard access[node.description] == nil else {
            throw AccessRefusal(
                .invalid,
                "a node with this one's id is let in already: llmstack cluster leave on it first, or "
                    + "llmstack cluster revoke \(node) here; then join again")
        }
    }

    private static func take(_ result: Result<Invitation, InvitationBook.Refusal>) throws -> Invitation {
        switch result {
        case .success(let invitation): return invitation
        case .failure(let refusal):
            let kind: AccessRefusal.Kind =
                switch refusal {
                case .unknown: .unknownToken
                case .used: .usedToken
                case .expired: .expiredToken
                }
            throw AccessRefusal(kind, String(refusal.description.prefix { $0 != "\n" }))
        }
    }

    package func renew(_ request: RenewRequest) async throws -> RenewReply {
        let authority: ClusterAuthority
        do { authority = try self.authority() } catch let refusal as AccessRefusal { throw refusal } catch {
            throw AccessRefusal(.failed, "\(error)")
        }
        let identity: PeerIdentity
        do {
            identity = try await RenewalProof.identity(
                request.certificate, request: request.request, signature: request.signature,
                PeerVerifier(authorityPEM: authority.certificatePEM), now: clock())
        } catch {
            // Whoever cannot show who they are is told no more than other strangers.
            throw AccessRefusal(.revoked, "\(error)")
        }
        let id = identity.node.description
        guard let entry = try? current()[id], entry.revoked == nil else {
            throw AccessRefusal(.revoked, "this node was revoked, or never let in")
        }
        do {
            let leaf = try LeafRequest(
                certificateRequest: request.request, name: entry.name, dnsNames: request.dnsNames,
                addresses: request.addresses)
            let signed = try authority.sign(leaf, identity: identity, now: clock())
            return RenewReply(certificate: signed.certificatePEM, leftOut: signed.leftOut)
        } catch {
            throw AccessRefusal(.invalid, "\(error)")
        }
    }
}
