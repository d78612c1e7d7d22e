import Cluster
import Coordinator
import Foundation
import Node
import Trust
import Wire

/// What the verbs about a cluster with keys share.
struct KeyedContext {
    let context: ClusterContext
    let identity: ClusterIdentity
    let desk: TrustDesk

    /// - Throws: ``StackFailure`` where this host is in no cluster, or in an open one.
    init(_ context: ClusterContext = ClusterContext()) throws {
        self.context = context
        guard let identity = try context.files.cluster() else {
            throw StackFailure(
                "this host is in no cluster", advice: "fix: llmstack cluster init, or llmstack join TOKEN")
        }
        guard identity.security == .keys else {
            throw StackFailure(
                "the cluster \"\(identity.name)\" is open: everybody is let in, so there are no keys",
                advice: "fix: llmstack cluster leave on each of its hosts, then llmstack cluster init on one of them")
        }
        self.identity = identity
        desk = TrustDesk(
            identity, try context.files.nodeID(),
            try ClusterSecrets(configuration: context.files.configuration, cluster: identity.id))
    }

    /// - Throws: ``StackFailure`` where this host cannot sign.
    func requireIssuer() throws {
        if try desk.isIssuer() { return }
        let issuers = try desk.current().admitted.filter { $0.kind == .issuer }.map(\.name)
        throw StackFailure(
            "this host does not hold the authority of \"\(identity.name)\"",
            advice: issuers.isEmpty
                ? "fix: run this on an issuer; llmstack cluster restore FILE makes this host one"
                : "fix: run this on \(issuers.joined(separator: " or "))")
    }

    /// Tells this host's router that the files are others now.
    ///
    /// - Returns: whether it runs, and has taken note.
    func tellRouter() async -> Bool {
        let router = LocalRouter(environment: context.environment)
        guard !router.isElsewhere else { return false }
        let reply = try? await HTTPProbe.ask(
            "POST", "\(router.base)/llmstack/v1/access/reload", timeout: .seconds(2))
        return reply?.status == 200
    }

    /// As this host's router has them.
    func otherNodes() async throws -> [Roster.Entry] {
        let body = try await LocalRouter(environment: context.environment).get("/llmstack/v1/cluster")
        return try JSONDecoder().decode(Roster.self, from: Data(body)).nodes.filter { !$0.isSelf }
    }

    /// Asks for a new certificate, one node after the other.
    func ask(_ request: RenewRequest, _ nodes: [Roster.Entry]) async throws -> RenewReply {
        let places = nodes.compactMap { node in
            (node.address ?? node.addresses.first).map {
                (id: node.id, place: Place(host: $0, port: node.port ?? ClusterPort.standard))
            }
        }
        let verifier = try desk.verifier()
        let stranger = try TLSIdentity(chainPEM: nil, keyPEM: nil) { chain in
            try await verifier.identity(of: chain, now: Date())
        }
        return try await ClusterTrust.ask(request, places, as: stranger)
    }

    /// Why an issuer lets this node in no more; nil where none says so. It is asked for a certificate, which is not
    /// kept: who was revoked is told nothing in any other way, and finds all others as if they were off.
    func shutOut() async throws -> String? {
        let others = try await otherNodes()
        guard !others.contains(where: { $0.state == Membership.Health.up.rawValue }) else { return nil }
        guard let leaf = try desk.secrets.text(.leaf), let key = try desk.secrets.leafKey() else { return nil }
        let set = try desk.current()
        let request = try key.certificateRequest(name: set[desk.own.description]?.name ?? context.hostLabel)
        let issuers = others.filter { set[$0.id.description]?.kind == .issuer }
        do {
            _ = try await ask(
                RenewRequest(
                    certificate: leaf, request: request,
                    signature: RenewalProof.signature(of: request, by: key), dnsNames: [], addresses: []), issuers)
            return nil
        } catch let refusal as ClusterTrust.ShutOut {
            return refusal.reason
        }
    }

    /// What is said where the router does not know yet. One that could not be told reads the files by itself.
    static let toldLater =
        "note: no router was told: one that runs here, or will, learns of it within 30 s, and other nodes from it"
}
