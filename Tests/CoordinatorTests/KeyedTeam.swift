import Cluster
import Coordinator
import Foundation
import RouterHarness
import Synchronization
import Trust
import Wire

/// A cluster with keys, with real certificates: its authority, and what its members show.
struct KeyedTeam {
    static let cluster = ClusterIdentity(id: ClusterID("cluster0"), name: "team", security: .keys)
    static let studio = NodeID("nodestudio")
    static let box = NodeID("nodebox0")

    /// Handshakes wait for threads that other tests have, too.
    static let patient: RequestLimits = {
        var limits = RequestLimits()
        limits.headSeconds = 120
        return limits
    }()

    let authority: ClusterAuthority
    /// Of the listener.
    let server: TLSIdentity
    let desk: ScriptedDesk
    let doorkeeper: Doorkeeper
    let routes: AccessRoutes
    let audit = Audit()
    private let now: Date

    final class Audit: Sendable {
        private let kept = Mutex<[AuditRecord]>([])

        var records: [AuditRecord] { kept.withLock { $0 } }

        func note(_ record: AuditRecord) { kept.withLock { $0.append(record) } }
    }

    /// - Parameter looking: is called while a key is looked at.
    init(
        _ entries: [AccessEntry] = [], now: Date = Date(), looking: @escaping @Sendable () -> Void = {}
    ) throws {
        self.now = now
        authority = try ClusterAuthority.create(Self.cluster, domain: nil, now: now)
        desk = ScriptedDesk(AccessSet(entries))
        let audit = audit
        let keyed: @Sendable (String, AccessSet) -> AccessEntry? = { bearer, set in
            looking()
            return set.entry(bearing: bearer)
        }
        let doorkeeper = Doorkeeper(AccessSet(entries), keyed: keyed) { record in audit.note(record()) }
        self.doorkeeper = doorkeeper
        routes = AccessRoutes(doorkeeper, desk, log: .quiet, note: { record in audit.note(record()) }, onNews: {})
        server = try Self.identity(authority, Self.studio, .issuer, now: now)
    }

    /// What a node shows, and how it verifies.
    static func identity(
        _ authority: ClusterAuthority, _ node: NodeID, _ role: PeerIdentity.Role = .node, now: Date = Date(),
        trusting: ClusterAuthority? = nil
    ) throws -> TLSIdentity {
        let key = LeafKey()
        let request = try LeafRequest(
            certificateRequest: key.certificateRequest(name: "node"), name: "node", dnsNames: ["localhost"],
            addresses: ["127.0.0.1"])
        let identity = PeerIdentity(cluster: authority.cluster, node: node, role: role)
        let leaf = try authority.sign(request, identity: identity, now: now).certificatePEM
        let verifier = try PeerVerifier(authorityPEM: (trusting ?? authority).certificatePEM)
        return try TLSIdentity(chainPEM: leaf + authority.certificatePEM, keyPEM: key.pem) { chain in
            try await verifier.identity(of: chain, now: Date())
        }
    }

    func member(_ node: NodeID = box, _ role: PeerIdentity.Role = .node) throws -> TLSIdentity {
        try Self.identity(authority, node, role, now: now)
    }

    /// A client without a certificate, who trusts the authority.
    func stranger() throws -> TLSIdentity {
        let verifier = try PeerVerifier(authorityPEM: authority.certificatePEM)
        return try TLSIdentity(chainPEM: nil, keyPEM: nil) { chain in
            try await verifier.identity(of: chain, now: Date())
        }
    }

    static func entry(_ key: ClientKey, name: String = "anna", limits: KeyLimits = .standard, revoked: Double? = nil)
        -> AccessEntry
    {
        AccessEntry(
            id: key.id, kind: .client, name: name, keyHash: key.digest.hex, limits: limits, added: 1, revoked: revoked,
            writer: studio)
    }

    static func node(_ id: NodeID, revoked: Double? = nil) -> AccessEntry {
        AccessEntry(id: id.description, kind: .node, name: "box", added: 1, revoked: revoked, writer: studio)
    }
}

/// Keeps a set in memory, and lets in nobody.
final class ScriptedDesk: AccessDesk {
    private let set: Mutex<AccessSet>
    private let asked = Mutex(0)

    init(_ set: AccessSet) { self.set = Mutex(set) }

    var joins: Int { asked.withLock { $0 } }

    func put(_ set: AccessSet) { self.set.withLock { $0 = set } }

    func current() throws -> AccessSet { set.withLock { $0 } }

    func merge(_ other: AccessSet) async throws -> (set: AccessSet, isNews: Bool) {
        set.withLock { set in
            let isNews = !set.merge(other).isEmpty
            return (set, isNews)
        }
    }

    func join(_ request: JoinRequest, secret: String) async throws -> JoinReply {
        asked.withLock { $0 += 1 }
        throw AccessRefusal(.unknownToken, "this cluster knows no such token")
    }

    func renew(_ request: RenewRequest) async throws -> RenewReply {
        throw AccessRefusal(.revoked, "this node was revoked, or never let in")
    }
}
