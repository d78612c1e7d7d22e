import Foundation
import RouterHarness

/// What llmstack takes for a host: a home, a project and ports of its own. Its router runs as long as this lives.
final class RunningHost {
    let terminal: Terminal
    let environment: [String: String]
    let routerPort: Int
    let clusterPort: Int
    private let router: Process
    private let log: URL

    struct DidNotStart: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameters:
    ///   - name: of the node; nil leaves it to the cluster and the host.
    ///   - tier: that it has.
    ///   - clusterPort: a port that is taken; nil for a free one.
    ///   - more: of the router's environment.
    init(
        _ name: String?, tier: String = "code-smart", clusterPort taken: Int? = nil,
        environment more: [String: String] = [:]
    ) async throws {
        terminal = try Terminal()
        try terminal.write(
            "[\(tier)]\nrole = agent\nhf_repo = a/b\nhf_file = c.gguf\n"
                + (name.map { "[NODE]\nname = \($0)\n" } ?? ""),
            to: ".llmstack/models.ini")
        log = terminal.root.appending(path: "router.log")
        var attempt = 0
        while true {
            let ports = try (FreePorts.consecutive(1), taken ?? FreePorts.consecutive(1))
            let environment = [
                "ROUTER_PORT": "\(ports.0)", "LLMSTACK_CLUSTER_PORT": "\(ports.1)", "LLMSTACK_DISCOVERY": "none",
                "LLAMA_SWAP_URL": "http://127.0.0.1:1",
                "XDG_CONFIG_HOME": terminal.home.appending(path: "settings").path,
            ]
            let process = terminal.process(["router"], environment: environment.merging(more) { $1 })
            try Data().write(to: log)
            process.standardError = try FileHandle(forWritingTo: log)
            try process.run()
            let log = log
            _ = await eventually { !process.isRunning || Self.text(log).contains("listening on http://") }
            if process.isRunning {
                (routerPort, clusterPort, router) = (ports.0, ports.1, process)
                self.environment = environment
                return
            }
            // Somebody else was quicker to take the port.
            attempt += 1
            if attempt == 5 { throw DidNotStart(description: Self.text(log)) }
        }
    }

    deinit {
        if router.isRunning { kill(router.processIdentifier, SIGKILL) }
    }

    /// As Ctrl-C does, and waits for the end.
    func stop() {
        router.interrupt()
        router.waitUntilExit()
    }

    private static func text(_ file: URL) -> String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }

    /// What the router has said so far.
    var said: String { Self.text(log) }

    func run(_ words: String...) async throws -> Terminal.Result {
        let (terminal, environment) = (terminal, environment)
        return try await aside { try terminal.run(words, environment: environment) }
    }

    /// A node as `llmstack nodes --json` shows it.
    struct Seen: Decodable, Sendable {
        struct Policy: Decodable, Sendable {
            var accepting: Bool
            var reason: String?
        }
        var name: String
        var state: String
        var policy: Policy?
    }

    /// The node of this name as this host's router sees it; nil when it does not.
    func sees(_ name: String) async throws -> Seen? {
        struct Listing: Decodable {
            var nodes: [Seen]
        }
        let shown = try await run("nodes", "--json")
        return try JSONDecoder().decode(Listing.self, from: Data(shown.output.utf8)).nodes.first { $0.name == name }
    }
}
