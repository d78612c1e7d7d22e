import ArgumentParser
import Cluster
import Coordinator
import Foundation
import Node

/// `llmstack nodes`: the nodes of the cluster, as this host's router sees them.
struct Nodes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the nodes of the cluster: how they are, what they serve, how busy they are.",
        discussion: """
            A tier is shown with its state and the requests in hand of the slots it has. Nodes out of reach of \
            multicast are named once with llmstack nodes add. --history tells how each came and went, from the file that \
            the router of this host keeps.
            """,
        subcommands: [Show.self, Add.self, Remove.self], defaultSubcommand: Show.self)

    /// What ``Show`` takes. The verb has it too, so that its own help and completion tell of it.
    struct Options: ParsableArguments {
        @Flag(help: "Stay and show each change.")
        var watch = false

        @Flag(name: .customLong("json"), help: "Print one JSON object with the same facts; with --watch one a line.")
        var printsJSON = false

        @Flag(help: "Show how the nodes' health changed, the newest last; the router need not run.")
        var history = false

        @Option(help: ArgumentHelp("How many changes --history shows at most (100 unless said).", valueName: "n"))
        var limit: Int?

        func validate() throws {
            if history, watch { throw ValidationError("--history and --watch do not go together") }
            guard let limit else { return }
            if !history { throw ValidationError("--limit goes with --history") }
            if limit < 1 { throw ValidationError("--limit must be 1 or more") }
        }

        /// For a verb below that shows nothing: the parser takes them there too.
        func refuse() throws {
            if watch || printsJSON || history {
                throw ValidationError("--watch, --json and --history go with llmstack nodes alone")
            }
        }
    }

    @OptionGroup var options: Options

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show the nodes (what llmstack nodes does by itself).")

        @OptionGroup var options: Options

        func run() async throws {
            if options.history {
                let path = ClusterFiles(environment: ProcessInfo.processInfo.environment).stateDB
                return print(try HistoryText(path: path, limit: options.limit ?? 100).text(asJSON: options.printsJSON))
            }
            let router = LocalRouter(environment: ProcessInfo.processInfo.environment)
            guard options.watch else { return print(try show(await router.get("/llmstack/v1/cluster"), of: router)) }
            var shown: String?
            let console = StandardConsole()
            while true {
                let text: String
                do {
                    text = try show(await router.get("/llmstack/v1/cluster"), of: router)
                } catch let failure as StackFailure where shown != nil {
                    // The router is being restarted, perhaps: who watches wants to see that, too.
                    if shown != "" { console.warn("\(failure)") }
                    shown = ""
                    try await Task.sleep(for: .milliseconds(500))
                    continue
                }
                if comparable(text) != shown {
                    console.say((console.terminal != nil && !options.printsJSON ? "\u{1b}[2J\u{1b}[H" : "") + text)
                    shown = comparable(text)
                    if StandardStream.hasLostOutput { return }
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }

        private func show(_ body: [UInt8], of router: LocalRouter) throws -> String {
            if options.printsJSON, !router.isElsewhere { return String(decoding: body, as: UTF8.self) }
            var roster = try JSONDecoder().decode(Roster.self, from: Data(body))
            if router.isElsewhere { roster = roster.ofAnotherHost }
            return try options.printsJSON ? JSONEncoder.line(roster) : RosterText(roster).text
        }

        /// Without the ages, which always change.
        private func comparable(_ text: String) -> String {
            options.printsJSON
                ? text.replacing(/"last_word_ms":\d+/, with: "") : text.replacing(/\d+(\.\d)? (ms|s) ago/, with: "")
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Name a node that multicast does not reach: on another subnet, behind a VPN.")

        @Argument(help: ArgumentHelp("A node's cluster listener.", valueName: "host[:port]"))
        var node: String

        @OptionGroup(visibility: .hidden) var options: Options

        func validate() throws {
            try options.refuse()
            if ClusterPort.place(node) == nil { throw ValidationError("\"\(node)\" is no HOST[:PORT]") }
        }

        func run() async throws {
            guard let place = ClusterPort.place(node) else { return }
            let files = ClusterFiles(environment: ProcessInfo.processInfo.environment)
            let named = ClusterPort.text(place)
            let known = try files.namedNodes()
            if known.contains(named) { return print("\(named) is on the list already") }
            try files.setNamedNodes(known + [named])
            print("added \(named)")
            if try files.cluster()?.security == .keys {
                return print("  this host's router asks it by TLS: llmstack nodes shows what comes of it")
            }
            do {
                let description = try await NodeQuery.description(of: place)
                print("  \(description.name) of the cluster \"\(description.clusterName)\" answers there")
                if let own = try files.cluster(), own.id != description.cluster {
                    print("  note: this host is in \"\(own.name)\", so it will not be used")
                }
            } catch {
                print("  note: nobody answers there yet; it is tried again and again")
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a named node off the list.")

        @Argument(help: ArgumentHelp("As it was added.", valueName: "host[:port]"))
        var node: String

        @OptionGroup(visibility: .hidden) var options: Options

        func validate() throws { try options.refuse() }

        func run() throws {
            let files = ClusterFiles(environment: ProcessInfo.processInfo.environment)
            let known = try files.namedNodes()
            let named = ClusterPort.place(node).map(ClusterPort.text) ?? node
            guard known.contains(named) else {
                throw StackFailure(
                    "\(named) is not on the list",
                    advice: known.isEmpty ? "next: the list is empty" : "next: it has \(known.joined(separator: ", "))")
            }
            try files.setNamedNodes(known.filter { $0 != named })
            print("removed \(named)")
        }
    }
}
