import ArgumentParser
import Cluster
import Foundation
import Node

/// `llmstack drain`: takes a node out of use, and back.
struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have a node finish what it does and take no new work of others.",
        discussion: """
            Without a name it is this host. Its own requests are still served; requests in hand are finished. --undo \
            takes work again, and so does a restart of its router.
            """)

    @Argument(help: "The node's name or id, as llmstack nodes shows them.")
    var node: String?

    @Flag(help: "Take work again.")
    var undo = false

    func validate() throws {
        if let node, !ClusterIdentity.isName(node) { throw ValidationError("\"\(node)\" cannot be a node's name") }
    }

    func run() async throws {
        let router = LocalRouter(environment: ProcessInfo.processInfo.environment)
        if let cluster = router.clientOf {
            throw StackFailure(
                "this project is a client of the cluster \"\(cluster.name.printable())\", and clients drain no nodes",
                advice: "fix: run llmstack drain on the node that is meant, or with its name on any other node")
        }
        if router.isElsewhere, node == nil {
            throw StackFailure(
                "this project uses the router at \(router.base), so which node is meant must be said",
                advice: "fix: llmstack drain NODE; llmstack nodes lists them")
        }
        let query = [node.map { "node=\($0)" }, undo ? "undo=1" : nil].compactMap { $0 }.joined(separator: "&")
        let body = try await router.ask("POST", "/llmstack/v1/drain" + (query.isEmpty ? "" : "?\(query)"))
        guard let description = try JSONDecoder().decode(NodeDescription.self, from: Data(body)).sanitised else {
            throw StackFailure("what answers is no llmstack node", advice: "next: llmstack nodes")
        }
        let busy = description.tiers.reduce(0) { $0 &+ $1.busy }
        if description.policy.accepting {
            print("\(description.name) takes work")
        } else {
            let rest = busy == 0 ? "it has nothing in hand" : "\(busy) requests in hand are being finished"
            print(
                "\(description.name) takes no new work of others (\(description.policy.reason ?? "drained")); \(rest)")
            if !undo { print("next: llmstack drain\(node.map { " \($0)" } ?? "") --undo takes work again") }
        }
    }
}
