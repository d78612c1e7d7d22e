import ArgumentParser
import Cluster
import Foundation
import Node
import Trust

extension ClusterVerb {
    struct Invite: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a token that lets in one host, for 15 minutes.",
            discussion: """
                The token alone goes to standard output, so that it can be piped. It tells the newcomer which cluster it is \
                for, and is good for once. What a model answers is acted on by coding agents: whom you let in as a node \
                can reach the shells of those who use the cluster.

                  node     serves models; on it: llmstack join TOKEN
                  client   a laptop without a stack; on it:
                           llmstack install --external auto --token TOKEN
                  issuer   a node that also holds the cluster's authority:
                           it can invite and renew when this host is off
                """)

        @Option(help: ArgumentHelp("What the newcomer is: node, client or issuer.", valueName: "role"))
        var role = Role.node

        @Option(help: ArgumentHelp("What to call it (its host's name unless said).", valueName: "name"))
        var name: String?

        @Option(
            help: ArgumentHelp(
                "Of a client: requests at a time (\(KeyLimits.standard.inFlight) unless said).", valueName: "n"))
        var inFlight: Int?

        @Option(
            help: ArgumentHelp(
                "Of a client: requests a minute (\(KeyLimits.standard.perMinute) unless said).", valueName: "n"))
        var perMinute: Int?

        enum Role: String, ExpressibleByArgument, CaseIterable {
            case node, client, issuer

            var kind: AccessEntry.Kind {
                switch self {
                case .node: .node
                case .client: .client
                case .issuer: .issuer
                }
            }
        }

        func validate() throws {
            try checkName(name)
            try ClusterVerb.check(inFlight: limits.inFlight, perMinute: limits.perMinute)
            if role != .client, inFlight != nil || perMinute != nil {
                throw ValidationError("--in-flight and --per-minute go with --role client: nodes have no limits")
            }
        }

        private var limits: KeyLimits {
            KeyLimits(
                inFlight: inFlight ?? KeyLimits.standard.inFlight,
                perMinute: perMinute ?? KeyLimits.standard.perMinute)
        }

        func run() async throws {
            let keyed = try KeyedContext()
            try keyed.requireIssuer()
            let token = try await keyed.desk.invite(role.kind, name: name, limits: limits)
            print(token.text)
            let next =
                role == .client
                ? "llmstack install --external auto, there, asks for it (or --token TOKEN)"
                : "llmstack join, there, asks for it (or llmstack join TOKEN)"
            StandardConsole().warn("good once, for 15 minutes\nnext: \(next)")
            if !(LocalPort.isTaken(host: "127.0.0.1", port: keyed.context.port)) {
                StandardConsole().warn(
                    "note: no router listens here on port \(keyed.context.port): llmstack start first")
            }
        }
    }

    static func check(inFlight: Int, perMinute: Int) throws {
        guard (1...10_000).contains(inFlight) else { throw ValidationError("--in-flight must be 1 to 10000") }
        guard (1...1_000_000).contains(perMinute) else { throw ValidationError("--per-minute must be 1 to 1000000") }
    }
}
