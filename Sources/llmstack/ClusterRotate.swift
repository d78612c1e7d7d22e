import ArgumentParser
import Cluster
import Foundation
import Node
import Trust

extension ClusterVerb {
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give this node a new key and certificate now.",
            discussion: """
                Certificates are renewed by themselves after 20 days, and when the host's addresses change; this also makes a \
                new key. The old certificate can be used by who has its key until it runs out, after 30 days at most: where \
                somebody may have it, revoke the node and let it join again. So it is with a client's key; the authority's \
                is replaced by a new cluster.
                """)

        func run() async throws {
            let keyed = try KeyedContext()
            let desk = keyed.desk
            let entry = try desk.current()[desk.own.description]
            let name = entry?.name ?? keyed.context.hostLabel
            let leftOut: [String]
            if try desk.isIssuer() {
                leftOut = try await desk.renew(name: name, HostNames.current(), rotates: true, now: Date()) { _ in
                    throw StackFailure("an issuer signs for itself", advice: "next: llmstack doctor")
                }
            } else {
                let others = try await keyed.otherNodes()
                leftOut = try await desk.renew(name: name, HostNames.current(), rotates: true, now: Date()) { request in
                    try await keyed.ask(request, others)
                }
            }
            print("this node has a new key and certificate")
            if !leftOut.isEmpty { print("left out of it: \(leftOut.joined(separator: ", "))") }
            if await !keyed.tellRouter() { print("note: no router runs here; the next one uses it") }
        }
    }
}
