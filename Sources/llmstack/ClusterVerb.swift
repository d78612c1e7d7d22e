import ArgumentParser
import Cluster
import Foundation
import Node

/// `llmstack cluster`: the cluster that this host is in.
struct ClusterVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Make this host the first node of a cluster, show its cluster, or leave it.",
        discussion: """
            The nodes of a cluster find each other by mDNS and lend each other tiers. A router that runs takes note \
            within a second; nothing need be restarted.
            """,
        subcommands: [Initialise.self, ClusterStatus.self, Leave.self])

    struct Initialise: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Start a cluster on this host.",
            discussion: """
                --open lets in everybody who reaches this host's port \(ClusterPort.standard), without keys and in \
                plain HTTP: use it on networks that you trust wholly. What a model answers is acted on by coding \
                agents, so whoever joins can reach the shells of those who use it.
                """)

        @Flag(help: "No keys: everybody on the network is let in.")
        var open = false

        @Option(help: ArgumentHelp("What to call the cluster (the host's name unless said).", valueName: "name"))
        var name: String?

        func validate() throws {
            guard open else {
                throw ValidationError("clusters with keys come later: say --open for one without")
            }
            try checkName(name)
        }

        func run() async throws {
            let context = ClusterContext()
            try context.requireNone()
            let identity = ClusterIdentity(
                id: ClusterID(ClusterFiles.randomID()), name: name ?? context.hostLabel, security: .open)
            // Before the cluster's file, which a router acts on at once.
            _ = try context.files.nodeID()
            try context.files.setCluster(identity)
            print(
                """
                cluster "\(identity.name)" (\(identity.id)) is open: everybody who reaches port \
                \(context.port) of this host is let in
                on other nodes:  llmstack join --open \(identity.name)
                on a laptop without a stack:  llmstack install --external \(identity.name)
                """)
            print(context.whatIsNext)
        }
    }

    struct ClusterStatus: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Show which cluster this host is in.")

        @Flag(name: .customLong("json"), help: "Print one JSON object with the same facts.")
        var printsJSON = false

        func run() async throws {
            let context = ClusterContext()
            let identity = try context.files.cluster()
            if printsJSON {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys]
                let cluster = try identity.map { String(decoding: try encoder.encode($0), as: UTF8.self) } ?? "null"
                print("{\"cluster\":\(cluster)}")
                return
            }
            guard let identity else {
                print("this host is in no cluster\n  next: llmstack cluster init --open, or llmstack join --open NAME")
                return
            }
            print(
                """
                cluster   \(identity.name)
                id        \(identity.id)
                keys      none: everybody who reaches port \(context.port) is let in
                this node \(try context.files.nodeID())
                """)
            print("next: llmstack nodes shows who is there")
        }
    }

    struct Leave: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Leave the cluster: this host serves itself alone again.")

        func run() async throws {
            let context = ClusterContext()
            guard try context.files.leaveCluster() else {
                print("this host is in no cluster")
                return
            }
            print("this host has left its cluster; a router that runs closes its listener within a second")
        }
    }
}

/// `llmstack join`: makes this host a node of a cluster that exists.
struct Join: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make this host a node of a cluster.",
        discussion: """
            Looks for the cluster by mDNS. Where multicast does not reach, --at names one of its nodes, which is then \
            also remembered as llmstack nodes add would.
            """)

    @Flag(help: "The cluster has no keys.")
    var open = false

    @Argument(help: "The cluster's name.")
    var name: String

    @Option(help: ArgumentHelp("A node of the cluster.", valueName: "host[:port]"))
    var at: String?

    func validate() throws {
        guard open else { throw ValidationError("clusters with keys come later: say --open for one without") }
        try checkName(name)
        if let at, ClusterPort.place(at) == nil { throw ValidationError("\"\(at)\" is no HOST[:PORT]") }
    }

    func run() async throws {
        let context = ClusterContext()
        try context.requireNone()
        let found = try await clusters(context)
        let identities = Set(found.filter { $0.name == name }.map(\.id))
        guard let id = identities.first else {
            let others = Set(found.map(\.name)).sorted()
            throw StackFailure(
                "no open cluster called \"\(name)\" was found"
                    + (others.isEmpty ? "" : "; there is \(others.joined(separator: ", "))"),
                advice: at == nil
                    ? "fix: see that a node of it runs (llmstack nodes, there), or name one: --at HOST"
                    : "fix: see that this is the name you mean, or name a node of it: --at HOST")
        }
        guard identities.count == 1 else {
            throw StackFailure(
                "\(identities.count) clusters are called \"\(name)\"",
                advice: "fix: name a node of the right one: --at HOST")
        }
        // The cluster's file last: a router acts on it at once.
        if let named = at.flatMap(ClusterPort.place).map(ClusterPort.text) {
            let known = try context.files.namedNodes()
            if !known.contains(named) { try context.files.setNamedNodes(known + [named]) }
        }
        _ = try context.files.nodeID()
        try context.files.setCluster(ClusterIdentity(id: id, name: name, security: .open))
        print("this host is a node of \"\(name)\" (\(id)) now, and lets in everybody who reaches port \(context.port)")
        print(context.whatIsNext)
    }

    private func clusters(_ context: ClusterContext) async throws -> [(name: String, id: ClusterID)] {
        guard let place = at.flatMap(ClusterPort.place) else { return try await context.advertisedClusters() }
        let description = try await NodeQuery.description(of: place)
        return [(description.clusterName, description.cluster)]
    }
}

/// - Throws: `ValidationError` when it cannot be a cluster's name.
private func checkName(_ name: String?) throws {
    if let name, !ClusterIdentity.isName(name) {
        throw ValidationError(
            "\"\(name)\" cannot be a name: use 1 to 40 letters, digits, - and _, a letter or digit first")
    }
}
