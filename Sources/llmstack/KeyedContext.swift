import Cluster
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

    /// What is said where the router does not know yet. One that could not be told reads the files by itself.
    static let toldLater =
        "note: no router was told: one that runs here, or will, learns of it within 30 s, and other nodes from it"
}
