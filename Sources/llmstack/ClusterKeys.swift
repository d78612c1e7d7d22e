import ArgumentParser
import Cluster
import Coordinator
import Foundation
import Node

extension ClusterVerb {
    struct Keys: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show who is let in, and what each asked of this host.",
            discussion: "Use is what this host's own listener saw in the last 90 days; other nodes count theirs.")

        @Flag(name: .customLong("json"), help: "Print one JSON object with the same facts.")
        var printsJSON = false

        @Flag(help: "Also those who are let in no more.")
        var revoked = false

        func run() async throws {
            let keyed = try KeyedContext()
            let entries = try keyed.desk.current().sorted.filter { revoked || printsJSON || $0.revoked == nil }
            let uses = (try? Ledger.uses(path: keyed.context.files.stateDB)) ?? []
            let table = AccessTable(
                entries, own: keyed.desk.own, uses: Dictionary(uses.map { ($0.actor, $0) }) { first, _ in first })
            print(try printsJSON ? table.json() : table.text(now: Date().timeIntervalSince1970))
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a node or a client in no more; what it has under way is cut off.",
            discussion: """
                It cannot be taken back: who is to come again is invited again. Nodes that are off learn of it when they \
                come up.
                """)

        @Argument(help: "A name or an id, as llmstack cluster keys shows them.")
        var name: String

        func run() async throws {
            let keyed = try KeyedContext()
            let set = try keyed.desk.current()
            let those = set.named(name)
            guard !those.isEmpty else {
                throw StackFailure(
                    "nobody here is called \"\(name.printable(64))\"", advice: "next: llmstack cluster keys")
            }
            let admitted = those.filter { $0.revoked == nil }
            guard admitted.count < 2 else {
                throw StackFailure(
                    "\(admitted.count) are called \"\(name.printable(64))\"",
                    advice: "fix: name one by its id: \(admitted.map(\.id).joined(separator: ", "))")
            }
            if admitted.first?.id == keyed.desk.own.description {
                throw StackFailure(
                    "that is this host", advice: "fix: llmstack cluster leave, or revoke it from another node")
            }
            let revoked = try await keyed.desk.revoke(admitted.first?.id ?? name)
            guard let entry = revoked.first else { return print("\(name.printable(64)) was revoked already") }
            print("revoked \(entry.kind.rawValue) \(entry.name) (\(entry.id))")
            if await !keyed.tellRouter() { print(KeyedContext.toldLater) }
        }
    }

    struct Limit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Change what a client's key may do.")

        @Argument(help: "A client's name or id.")
        var name: String

        @Option(help: ArgumentHelp("Requests at a time.", valueName: "n"))
        var inFlight: Int?

        @Option(help: ArgumentHelp("Requests a minute.", valueName: "n"))
        var perMinute: Int?

        func validate() throws {
            if inFlight == nil, perMinute == nil { throw ValidationError("say --in-flight N, --per-minute N, or both") }
            try ClusterVerb.check(inFlight: inFlight ?? 1, perMinute: perMinute ?? 1)
        }

        func run() async throws {
            let keyed = try KeyedContext()
            let those = try keyed.desk.current().named(name).filter { $0.kind == .client && $0.revoked == nil }
            guard let entry = those.first, those.count == 1 else {
                throw StackFailure(
                    "\(those.isEmpty ? "no client" : "\(those.count) clients") called \"\(name.printable(64))\"",
                    advice: "next: llmstack cluster keys shows names and ids")
            }
            let limits = KeyLimits(
                inFlight: inFlight ?? entry.limits.inFlight, perMinute: perMinute ?? entry.limits.perMinute)
            _ = try await keyed.desk.limit(entry.id, limits)
            print("\(entry.name): \(limits.inFlight) at a time, \(limits.perMinute) a minute")
            if await !keyed.tellRouter() { print(KeyedContext.toldLater) }
        }
    }
}
