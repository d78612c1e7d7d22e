import ArgumentParser
import Cluster
import Foundation
import Node
import Trust
import Wire

/// `llmstack join`: makes this host a node of a cluster that exists.
struct Join: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make this host a node of a cluster.",
        discussion: """
            The token is what llmstack cluster invite printed on a node that holds the cluster's authority; without it as \
            an argument it is read from standard input, or asked for. It is told only to who can show that it is of the \
            token's cluster.

            The cluster is looked for by mDNS. Where multicast does not reach, --at names one of its nodes, which is then \
            also remembered as llmstack nodes add would. With --open, the word is the name of a cluster without keys.
            """)

    @Flag(help: "The cluster has no keys.")
    var open = false

    @Argument(help: ArgumentHelp("A token, or with --open the cluster's name.", valueName: "token"))
    var word: String?

    @Option(help: ArgumentHelp("A node of the cluster.", valueName: "host[:port]"))
    var at: String?

    @Option(help: ArgumentHelp("What to call this host in the cluster (its own name unless said).", valueName: "name"))
    var name: String?

    func validate() throws {
        if open {
            guard let word else { throw ValidationError("--open needs the cluster's name") }
            try checkName(word)
            if name != nil {
                throw ValidationError("--name is for clusters with keys; [NODE] name in models.ini counts")
            }
        } else if let word, word != "-" {
            do { _ = try JoinToken(parsing: word) } catch { throw ValidationError("\(error)") }
        }
        try checkName(name)
        if let at, ClusterPort.place(at) == nil { throw ValidationError("\"\(at)\" is no HOST[:PORT]") }
    }

    func run() async throws {
        let context = ClusterContext()
        try context.requireNone()
        if open, let word { return try await joinOpen(word, context) }
        try context.requireHiddenRouter()
        let text = try SecretInput.read(
            word, prompt: "token", missing: "there is no token",
            fix: "llmstack cluster invite, on a node that holds the cluster's authority, prints one")
        try await join(try JoinToken(parsing: text), context)
    }

    // MARK: With keys

    private func join(_ token: JoinToken, _ context: ClusterContext) async throws {
        let key = LeafKey()
        // By an id that this host had in the cluster, or asked for and got no answer, it would not be let in again.
        context.files.forgetNodeID()
        let (own, names) = (try context.files.nodeID(), HostNames.current())
        let request = JoinRequest(
            name: name ?? context.hostLabel, node: own,
            request: try key.certificateRequest(name: name ?? context.hostLabel), dnsNames: names.dnsNames,
            addresses: names.addresses)
        let search = IssuerSearch(token, request, context)
        let (reply, place) = try await search.run(at: at.flatMap(ClusterPort.place))
        let secrets = try ClusterSecrets(configuration: context.files.configuration, cluster: reply.cluster.id)
        let desk = TrustDesk(reply.cluster, own, secrets)
        try desk.keep(reply, key)
        // The cluster's file last: a router acts on it at once.
        try remember(context)
        try context.files.setCluster(reply.cluster)
        print(
            "this host is \(reply.kind == .issuer ? "an issuer" : "a node") of \"\(reply.cluster.name)\" "
                + "(\(reply.cluster.id)) now, as \(reply.name); \(ClusterPort.text(place)) let it in")
        if !reply.leftOut.isEmpty { print("left out of its certificate: \(reply.leftOut.joined(separator: ", "))") }
        print(context.whatIsNext)
    }

    private func remember(_ context: ClusterContext) throws {
        guard let named = at.flatMap(ClusterPort.place).map(ClusterPort.text) else { return }
        let known = try context.files.namedNodes()
        if !known.contains(named) { try context.files.setNamedNodes(known + [named]) }
    }

    // MARK: Without

    private func joinOpen(_ name: String, _ context: ClusterContext) async throws {
        let found = try await clusters(context)
        let named = found.filter { $0.name == name }
        guard let cluster = named.first else {
            let others = Set(found.filter { $0.security == .open }.map(\.name)).sorted()
            throw StackFailure(
                "no open cluster called \"\(name)\" was found"
                    + (others.isEmpty ? "" : "; there is \(others.joined(separator: ", "))"),
                advice: at == nil
                    ? "fix: see that a node of it runs (llmstack nodes, there), or name one: --at HOST"
                    : "fix: see that this is the name you mean, or name a node of it: --at HOST")
        }
        guard named.count == 1 else {
            throw StackFailure(
                "\(named.count) clusters are called \"\(name)\"",
                advice: "fix: name a node of the right one: --at HOST")
        }
        // Its nodes would not take this one for theirs, and this one would let in everybody.
        guard cluster.security == .open else {
            throw StackFailure(
                "the cluster \"\(name)\" has keys, and is not joined with --open",
                advice: "fix: llmstack join TOKEN; llmstack cluster invite, on a node with its authority, prints one")
        }
        // The cluster's file last: a router acts on it at once.
        try remember(context)
        _ = try context.files.nodeID()
        try context.files.setCluster(cluster)
        print(
            "this host is a node of \"\(name)\" (\(cluster.id)) now, "
                + "and lets in everybody who reaches port \(context.port)")
        print(context.whatIsNext)
    }

    private func clusters(_ context: ClusterContext) async throws -> [ClusterIdentity] {
        guard let place = at.flatMap(ClusterPort.place) else { return try await context.advertisedClusters() }
        let description = try await NodeQuery.description(of: place)
        // Where there are keys, nobody answers without one.
        return [ClusterIdentity(id: description.cluster, name: description.clusterName, security: .open)]
    }
}
