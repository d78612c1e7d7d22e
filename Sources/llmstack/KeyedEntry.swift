import Cluster
import Foundation
import Node
import Trust
import Wire

/// Gets a thin client its key for a cluster, once: with a token, at a router that holds the cluster's authority.
struct KeyedEntry {
    private let keys: KeyRing
    private let environment: [String: String]
    private let canAsk: Bool
    private let say: @Sendable (String) -> Void

    init(_ keys: KeyRing, _ environment: [String: String], canAsk: Bool, say: @escaping @Sendable (String) -> Void) {
        self.keys = keys
        self.environment = environment
        self.canAsk = canAsk
        self.say = say
    }

    /// The token of the command line, else what is typed.
    ///
    /// - Parameters:
    ///   - cluster: its name, where that is known.
    ///   - url: of the router, where it was named by that.
    ///   - hadKey: whether this host had a key, which is not taken any more.
    /// - Throws: ``StackFailure`` where there is none, or `JoinToken.Malformed`.
    func token(for cluster: String?, at url: String? = nil, hadKey: Bool = false) throws -> JoinToken {
        if let token = keys.token { return token }
        let which = cluster.map { "the cluster \($0)" } ?? "that cluster"
        let missing =
            hadKey
            ? "\(which) has keys, and this host's was revoked" : "\(which) has keys, and this host has none for it"
        let fix =
            "on a host that holds its authority run llmstack cluster invite --role client, "
            + "then here llmstack install --external \(url ?? "auto") --token TOKEN"
        guard canAsk else { throw StackFailure(missing, advice: "fix: \(fix)") }
        say(
            "\(which) has keys. llmstack cluster invite --role client, on a host that holds its authority, prints a token"
        )
        return try JoinToken(parsing: try SecretInput.read(nil, prompt: "token", missing: missing, fix: fix))
    }

    /// Asks one place after the other until one gives a key, and keeps that.
    ///
    /// - Parameters:
    ///   - places: the nearest first.
    ///   - cluster: the one that is wanted; nil takes the token's.
    /// - Throws: ``StackFailure`` or ``SecretsFailure``.
    func enter(_ token: JoinToken, at places: [Place], wanted cluster: ClusterID? = nil) async throws -> ClusterIdentity
    {
        let request = JoinRequest(name: ClusterContext.label(of: ProcessInfo.processInfo.hostName))
        var asked: [String] = []
        var isIssuerMissing = false
        for place in places {
            let reply: JoinReply
            do { reply = try await Enrolment(token).ask(place, request) } catch {
                if case .refused(let reason) = error {
                    throw StackFailure(
                        "the cluster does not let this host in: \(reason)",
                        advice: "next: llmstack cluster invite --role client, there")
                }
                if case .tooOften(let reason) = error { throw StackFailure.askedTooOften(reason) }
                isIssuerMissing = isIssuerMissing || error == .notIssuer
                asked.append("\(ClusterPort.text(place)): \("\(error)".prefix { $0 != "\n" })")
                continue
            }
            try keep(reply, wanted: cluster)
            say("\(reply.cluster.name) has let this host in as \(reply.name)")
            return reply.cluster
        }
        throw isIssuerMissing
            ? StackFailure(
                "no router that holds the cluster's authority answers", evidence: asked,
                advice: "fix: start the host that made the token, and see that it is reached")
            : StackFailure(
                "the token was told to nobody: no router of its cluster answers", evidence: asked,
                advice: "fix: use a token of the cluster that you mean: llmstack cluster invite --role client, there")
    }

    private func keep(_ reply: JoinReply, wanted cluster: ClusterID?) throws {
        guard reply.kind == .client, let key = reply.key.flatMap(ClientKey.init),
            let secrets = try keys.secrets(of: reply.cluster.id)
        else {
            throw StackFailure(
                "the cluster sent no key", advice: "next: llmstack cluster invite --role client, there, and try again")
        }
        try secrets.write(reply.authority, to: .authority)
        // Without a line feed: opencode may take the file's whole text for the key.
        try secrets.write(key.text, to: .clientKey)
        guard let cluster, cluster != reply.cluster.id else { return }
        throw StackFailure(
            "the token is for the cluster \(reply.cluster.name), and another was chosen",
            advice: "fix: llmstack install --external \(reply.cluster.name)")
    }
}
