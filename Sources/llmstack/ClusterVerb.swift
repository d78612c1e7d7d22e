import ArgumentParser
import Cluster
import Foundation
import Node
import Trust

/// `llmstack cluster`: the cluster that this host is in.
struct ClusterVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "Make this host the first node of a cluster, show its cluster, or leave it.",
        discussion: """
            The nodes of a cluster find each other by mDNS and lend each other tiers. A router that runs takes note \
            within a second; nothing need be restarted.

            Who belongs to it shows a certificate (nodes) or a key (thin clients); cluster invite prints a token that lets \
            one in.
            """,
        subcommands: [
            Initialise.self, Invite.self, Keys.self, Limit.self, Revoke.self, Rotate.self, Leave.self,
            ClusterStatus.self, Backup.self, Restore.self,
        ])

    struct Initialise: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Start a cluster on this host.",
            discussion: """
                This host then holds the cluster's authority, and llmstack cluster invite on it lets in others. Keep a \
                backup (llmstack cluster backup), or make another node an issuer, too.

                --open lets in everybody who reaches this host's port \(ClusterPort.standard), without keys and in \
                plain HTTP: use it on networks that you trust wholly. What a model answers is acted on by coding \
                agents, so whoever joins can reach the shells of those who use it.
                """)

        @Flag(help: "No keys: everybody on the network is let in.")
        var open = false

        @Option(help: ArgumentHelp("What to call the cluster (the host's name unless said).", valueName: "name"))
        var name: String?

        @Option(
            help: ArgumentHelp("A domain whose names certificates may have, beside .local ones.", valueName: "domain"))
        var domain: String?

        func validate() throws {
            try checkName(name)
            if open, domain != nil {
                throw ValidationError("--domain is for clusters with keys, and --open is for none")
            }
        }

        func run() async throws {
            let context = ClusterContext()
            try context.requireNone()
            let identity = ClusterIdentity(
                id: ClusterID(ClusterFiles.randomID()), name: name ?? context.hostLabel, security: open ? .open : .keys)
            // Before the cluster's file, which a router acts on at once.
            let own = try context.files.nodeID()
            if open {
                try context.files.setCluster(identity)
                print(
                    """
                    cluster "\(identity.name)" (\(identity.id)) is open: everybody who reaches port \
                    \(context.port) of this host is let in
                    on other nodes:  llmstack join --open \(identity.name)
                    on a laptop without a stack:  llmstack install --external \(identity.name)
                    """)
            } else {
                try context.requireHiddenRouter()
                try await found(identity, own, context)
            }
            print(context.whatIsNext)
        }

        private func found(_ identity: ClusterIdentity, _ own: NodeID, _ context: ClusterContext) async throws {
            let secrets = try ClusterSecrets(configuration: context.files.configuration, cluster: identity.id)
            let leftOut = try await TrustDesk(identity, own, secrets).found(
                name: context.hostLabel, HostNames.current(), domain: domain, now: Date())
            try context.files.setCluster(identity)
            print(
                """
                cluster "\(identity.name)" (\(identity.id)): this host holds its authority, and lets in who has a token
                a machine that serves models:  llmstack cluster invite --role node, here; llmstack join, there
                a laptop without a stack:  llmstack cluster invite --role client, here; \
                llmstack install --external auto, there
                """)
            if !leftOut.isEmpty {
                print(
                    "left out of its certificate: \(leftOut.joined(separator: ", "))"
                        + " (not of the local network; --domain allows one domain)")
            }
            print("next: llmstack cluster backup FILE, or a second issuer: llmstack cluster invite --role issuer")
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
            guard let identity else {
                return print(
                    printsJSON
                        ? "{\"cluster\":null}"
                        : "this host is in no cluster\n  next: llmstack cluster init, or llmstack join")
            }
            let keyed = try identity.security == .keys ? KeyedContext(context) : nil
            var keys = try keyed.map { try KeyFacts($0.desk) }
            keys?.shutOut = try? await keyed?.shutOut()
            let own = try context.files.nodeID()
            if printsJSON { return print(try JSONEncoder.line(Facts(cluster: identity, node: own, keys: keys))) }
            print(
                """
                cluster   \(identity.name)
                id        \(identity.id)
                """)
            print(
                keys?.text(own)
                    ?? """
                    keys      none: everybody who reaches port \(context.port) is let in
                    this node \(own)
                    """)
            print(
                keys?.shutOut == nil
                    ? "next: llmstack nodes shows who is there"
                    : "next: llmstack cluster leave, then llmstack join TOKEN")
        }

        private struct Facts: Encodable {
            var cluster: ClusterIdentity
            var node: NodeID
            /// nil where there are none.
            var keys: KeyFacts?
        }

        private struct KeyFacts: Encodable {
            /// Whether this host is one.
            var issuer: Bool
            var issuers, nodes, clients: Int
            var authority: String
            /// nil where it has no certificate.
            var certifiedUntil: String?
            /// Why an issuer lets this host in no more; nil where none says so.
            var shutOut: String?

            private enum CodingKeys: String, CodingKey {
                case issuer, issuers, nodes, clients, authority
                case shutOut = "shut_out"
                case certifiedUntil = "certified_until"
            }

            init(_ desk: TrustDesk) throws {
                let admitted = try desk.current().admitted
                func count(_ kind: AccessEntry.Kind) -> Int { admitted.count { $0.kind == kind } }
                (issuers, nodes, clients) = (count(.issuer), count(.node), count(.client))
                issuer = try desk.isIssuer()
                authority = try desk.verifier().pin.description
                certifiedUntil = try desk.secrets.text(.leaf).map {
                    try PeerVerifier.leafExpiry($0).formatted(.iso8601)
                }
            }

            func text(_ own: NodeID) -> String {
                """
                keys      \(issuers) issuers, \(nodes) other nodes, \(clients) clients are let in
                authority \(authority)
                this node \(own)\(issuer ? ", an issuer" : "")
                certified until \(certifiedUntil ?? "never: it has no certificate")
                """ + (shutOut.map { "\nnot let in: \($0)" } ?? "")
            }
        }
    }

    struct Leave: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Leave the cluster: this host serves itself alone again.",
            discussion: """
                In a cluster with keys the other nodes are told to let this host in no more, and what it has of the \
                cluster's secrets is deleted.
                """)

        @Flag(help: "Also where this host is the only one that holds the cluster's authority.")
        var force = false

        func run() async throws {
            let context = ClusterContext()
            if let identity = try? context.files.cluster(), identity.security == .keys {
                try await leave(KeyedContext(context))
                return
            }
            guard try context.files.leaveCluster() else {
                print("this host is in no cluster")
                return
            }
            print("this host has left its cluster; a router that runs closes its listener within a second")
        }

        private func leave(_ keyed: KeyedContext) async throws {
            // Files that cannot be read are a reason to leave, by force, and none to lose the authority without a word.
            let set = force ? (try? keyed.desk.current()) ?? AccessSet() : try keyed.desk.current()
            let others = set.admitted.filter { $0.id != keyed.desk.own.description }
            if !force, try keyed.desk.isIssuer(), !others.isEmpty, !others.contains(where: { $0.kind == .issuer }) {
                throw StackFailure(
                    "this host alone holds the authority of \"\(keyed.identity.name)\": nobody could be invited or renewed",
                    advice: "fix: make another node an issuer (llmstack cluster invite --role issuer), or --force")
            }
            _ = try? await keyed.desk.revoke(keyed.desk.own.description)
            let isTold = await keyed.tellRouter()
            _ = try keyed.context.files.leaveCluster()
            try keyed.desk.secrets.removeAll()
            // Whoever was let in once and is no more cannot come back by the same id.
            keyed.context.files.forgetNodeID()
            print("this host has left \"\(keyed.identity.name)\"; what it had of its secrets is deleted")
            if !isTold, !others.isEmpty {
                print(
                    "note: no router runs here that could tell the others\n"
                        + "  next: llmstack cluster revoke \(keyed.desk.own), on one of them")
            }
        }
    }
}

/// - Throws: `ValidationError` when it cannot be a cluster's name.
func checkName(_ name: String?) throws {
    if let name, !ClusterIdentity.isName(name) {
        throw ValidationError(
            "\"\(name)\" cannot be a name: use 1 to 40 letters, digits, - and _, a letter or digit first")
    }
}
