import Foundation
import Testing

/// The verbs about clusters through the built program; ``UserErrorTests`` has what needs no router.
struct ClusterVerbTests {
    private static let alone = UserErrorTests.alone

    /// A refusal: one line of what is wrong, one of what to do.
    private func isRefusal(_ result: Terminal.Result, _ pieces: String...) -> Bool {
        let lines = result.errors.split(separator: "\n")
        return result.code == 1 && result.output.isEmpty && lines.count == 2 && lines[0].hasPrefix("llmstack: ")
            && (lines[1].hasPrefix("  fix: ") || lines[1].hasPrefix("  next: "))
            && pieces.allSatisfy(result.errors.contains)
    }

    private func terminalRun(
        _ terminal: Terminal, _ words: [String], _ environment: [String: String] = alone
    ) async throws -> Terminal.Result {
        try await aside { try terminal.run(words, environment: environment) }
    }

    @Test(.serialized, arguments: UserErrorTests.wronglyTyped)
    func whatIsTypedWronglyIsNamedAboveTheUsage(_ typed: [String], _ says: String) async throws {
        let terminal = try Terminal()
        let result = try await terminalRun(terminal, typed)
        #expect(result.code == 2, "\(result)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.first?.hasPrefix("Error: ") == true && lines.first?.contains(says) == true, "\(result)")
        #expect(lines.count { $0.hasPrefix("usage: llmstack ") } == 1, "\(result)")
        #expect(lines.last?.contains("--help' for more information") == true, "\(result)")
        #expect(result.errors.isEmpty)
        #expect(terminal.snapshot().isEmpty)
    }

    @Test func toLeaveNoClusterIsNoError() async throws {
        let terminal = try Terminal()
        let left = try await terminalRun(terminal, ["cluster", "leave"])
        #expect(left.code == 0 && left.errors.isEmpty)
        #expect(left.output == "this host is in no cluster\n")
        let status = try await terminalRun(terminal, ["cluster", "status"])
        #expect(status.code == 0 && status.output.contains("\n  next: llmstack cluster init,"), "\(status)")
        let json = try await terminalRun(terminal, ["cluster", "status", "--json"])
        #expect(json.code == 0 && json.output == "{\"cluster\":null}\n")
        #expect(terminal.snapshot().isEmpty)
    }

    @Test func whatTheTextSaysOfThisHostTheJSONSaysToo() async throws {
        struct Status: Decodable {
            struct Keys: Decodable {
                var issuer: Bool
                var issuers: Int
                var nodes: Int
                var clients: Int
                var authority: String
                var certifiedUntil: String
            }
            var node: String
            var keys: Keys
        }
        let terminal = try Terminal()
        #expect(try await terminalRun(terminal, ["cluster", "init", "--name", "team"]).code == 0)
        let text = try await terminalRun(terminal, ["cluster", "status"]).output
        let told = try await terminalRun(terminal, ["cluster", "status", "--json"])
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let status = try decoder.decode(Status.self, from: Data(told.output.utf8))
        for fact in [status.node, status.keys.authority, status.keys.certifiedUntil] {
            #expect(!fact.isEmpty && text.contains(fact), "\(fact) \(text)")
        }
        #expect(status.keys.issuer && status.keys.issuers == 1, "\(told)")
        #expect(status.keys.nodes == 0 && status.keys.clients == 0, "\(told)")
        let shown = try await terminalRun(terminal, ["cluster", "keys", "--json"])
        #expect(shown.output.contains("\"self\":true"), "\(shown)")
    }

    /// What the message of a damaged file says to do.
    @Test func aDamagedClusterIsLeftAndMadeAgain() async throws {
        let terminal = try Terminal()
        try terminal.write("{", to: "../home/\(UserErrorTests.clusterJSON)")
        #expect(try await terminalRun(terminal, ["cluster", "leave"]).code == 0)
        let made = try await terminalRun(terminal, ["cluster", "init", "--open", "--name", "team"])
        #expect(made.code == 0 && made.output.contains("next: llmstack start"), "\(made)")
        #expect(try await terminalRun(terminal, ["cluster", "status"]).output.contains("team"))
    }

    @Test(arguments: ["127.0.0.1:1", "[::1]:1"]) func aNodeIsNamedOnceHoweverOften(_ node: String) async throws {
        let terminal = try Terminal()
        let first = try await terminalRun(terminal, ["nodes", "add", node])
        #expect(first.code == 0 && first.output.contains("added \(node)\n"), "\(first)")
        #expect(first.output.contains("nobody answers there yet"), "\(first)")
        let list = terminal.snapshot()
        let second = try await terminalRun(terminal, ["nodes", "add", node])
        #expect(second.code == 0 && second.output == "\(node) is on the list already\n", "\(second)")
        #expect(terminal.snapshot() == list)
        let text = list.values.map { String(decoding: $0, as: UTF8.self) }.joined()
        #expect(text.contains("\"\(node)\""), "\(text)")
        #expect(try await terminalRun(terminal, ["nodes", "remove", node]).output == "removed \(node)\n")
        #expect(isRefusal(try await terminalRun(terminal, ["nodes", "remove", node]), "not on the list"))
    }

    // MARK: doctor

    private struct Report: Decodable {
        struct Finding: Decodable {
            var subject: String
            var verdict: String
            var detail: String
            var fix: String?
        }
        var findings: [Finding]
    }

    @Test func doctorEndsWithOneWhereSomethingIsInTheWay() async throws {
        let terminal = try Terminal()
        try terminal.write("[a]\nhello\n", to: ".llmstack/models.ini")
        let before = terminal.snapshot()
        let told = try await terminalRun(terminal, ["doctor"])
        #expect(told.code == 1 && told.errors.isEmpty, "\(told)")
        let lines = told.output.split(separator: "\n")
        let problem = try #require(lines.firstIndex { $0.hasPrefix("PROBLEM  models.ini ") }, "\(told)")
        #expect(lines[problem].contains("models.ini:2: "), "\(told)")
        #expect(lines[problem + 1].contains("  fix: write it as key = value"), "\(told)")
        // In no cluster there is nobody to be found.
        let mdns = try #require(lines.firstIndex { $0.hasPrefix("warning  mdns ") }, "\(told)")
        #expect(lines[mdns + 1].contains("  fix: unset LLMSTACK_DISCOVERY"), "\(told)")
        #expect(terminal.snapshot() == before)
    }

    @Test(arguments: [
        ([UserErrorTests.clusterJSON: "{"], "cluster", "/cluster.json: it is damaged"),
        ([UserErrorTests.nodesJSON: "{"], "cluster", "/nodes.json: it is damaged"),
    ])
    func doctorSaysTheSameInJSON(_ files: [String: String], _ subject: String, _ says: String) async throws {
        let terminal = try Terminal()
        for (path, text) in files { try terminal.write(text, to: "../home/\(path)") }
        let told = try await terminalRun(terminal, ["doctor", "--json"])
        #expect(told.code == 1 && told.errors.isEmpty, "\(told)")
        let report = try JSONDecoder().decode(Report.self, from: Data(told.output.utf8))
        let finding = try #require(report.findings.first { $0.subject == subject }, "\(told)")
        #expect(finding.verdict == "problem" && finding.detail.hasSuffix(says), "\(told)")
        for problem in report.findings where problem.verdict == "problem" {
            #expect(problem.fix?.isEmpty == false && !problem.detail.contains("\n"), "\(problem)")
        }
    }

    @Test(arguments: [
        (["nodes"], "ROUTER_PORT", "abc"), (["drain", "studio"], "ROUTER_PORT", "0"),
        (["join", "--open", "team"], "LLMSTACK_DISCOVERY", "foo"),
    ])
    func aVariableThatMeansNothingIsRefused(_ words: [String], _ variable: String, _ value: String) async throws {
        let terminal = try Terminal()
        let result = try await terminalRun(terminal, words, Self.alone.merging([variable: value]) { $1 })
        #expect(isRefusal(result, "\(variable)=\(value)", "unset it"), "\(result)")
        #expect(terminal.snapshot().isEmpty)
    }

    // MARK: With routers

    @Test func aRouterInNoClusterSaysHowToGetIntoOne() async throws {
        let host = try await RunningHost("desk")
        let router = "http://127.0.0.1:\(host.routerPort)"
        for words in [["nodes"], ["nodes", "--json"], ["drain"], ["drain", "--undo"], ["drain", "studio"]] {
            let result = try await terminalRun(host.terminal, words, host.environment)
            #expect(
                isRefusal(result, "\(router) is in no cluster", "llmstack cluster init, or llmstack join"),
                "\(words) \(result)")
        }
        let joined = try await host.run("join", "--open", "team", "--at", "127.0.0.1:\(host.routerPort)")
        #expect(isRefusal(joined, "127.0.0.1:\(host.routerPort) is no llmstack node", "10103"), "\(joined)")
    }

    @Test func aNodeThatIsNotThereIsNamed() async throws {
        let host = try await RunningHost("desk")
        #expect(try await host.run("cluster", "init", "--open", "--name", "team").code == 0)
        for words in [["drain", "studio"], ["drain", "studio", "--undo"]] {
            let result = try await terminalRun(host.terminal, words, host.environment)
            #expect(isRefusal(result, "studio", "next: llmstack nodes"), "\(result)")
        }
        let stranger = try Terminal()
        let before = stranger.snapshot()
        let place = "127.0.0.1:\(host.clusterPort)"
        let joined = try await terminalRun(stranger, ["join", "--open", "studio", "--at", place])
        #expect(isRefusal(joined, "no open cluster called \"studio\"", "there is team", "--at HOST"), "\(joined)")
        #expect(stranger.snapshot() == before)
    }

    @Test func aClusterWhosePortIsTakenIsComplainedOf() async throws {
        let first = try await RunningHost("desk")
        let second = try await RunningHost("laptop", clusterPort: first.routerPort)
        #expect(try await second.run("cluster", "init", "--open", "--name", "team").code == 0)
        #expect(
            await eventually {
                second.said.contains("cannot listen on port \(first.routerPort)")
                    && second.said.contains("fix: see who has it")
            }, "\(second.said)")
        let result = try await second.run("nodes")
        #expect(isRefusal(result, "takes no part in the cluster", "llmstack doctor"), "\(result)")
    }

    @Test func twoHostsFindDrainAndLeaveEachOther() async throws {
        let (left, right) = try await (RunningHost("left"), RunningHost("right"))
        func fails(_ what: String) -> Comment { "\(what)\nleft: \(left.said)\nright: \(right.said)" }
        #expect(try await left.run("cluster", "init", "--open", "--name", "team").code == 0)
        // Its listener opens once the router has taken note.
        let place = "127.0.0.1:\(left.clusterPort)"
        #expect(
            await eventually { try await right.run("join", "--open", "team", "--at", place).code == 0 }, fails("join"))
        let added = try await left.run("nodes", "add", "127.0.0.1:\(right.clusterPort)")
        #expect(added.code == 0 && added.output.contains("added"), "\(added)")
        #expect(await eventually { try await left.sees("right")?.state == "up" }, fails("right up"))
        #expect(await eventually { try await right.sees("left")?.state == "up" }, fails("left up"))

        // Nobody runs llama-swap here, so neither takes work even when it is not drained: the reason tells.
        func isDrained(_ node: String, for host: RunningHost) async throws -> Bool? {
            try await host.sees(node)?.policy.map { $0.reason == "drained by hand" }
        }
        for (drainer, node, other) in [(left, "right", right), (left, "left", right), (right, "right", left)] {
            let drained = try await drainer.run("drain", node)
            #expect(drained.code == 0 && drained.output.contains("\(node) takes no new work"), "\(drained)")
            #expect(drained.output.contains("next: llmstack drain \(node) --undo"), "\(drained)")
            #expect(await eventually { try await isDrained(node, for: other) == true }, fails("drain \(node)"))
            #expect(await eventually { try await isDrained(node, for: drainer) == true }, fails("drain \(node)"))
            let undone = try await drainer.run("drain", node, "--undo")
            #expect(undone.code == 0 && !undone.output.contains("drained by hand"), "\(undone)")
            #expect(await eventually { try await isDrained(node, for: other) == false }, fails("undo \(node)"))
            #expect(await eventually { try await isDrained(node, for: drainer) == false }, fails("undo \(node)"))
        }

        #expect(try await right.run("cluster", "leave").code == 0)
        // Who takes the port next is none of this test's business: what counts is that this node is not there.
        #expect(
            await eventually(within: .seconds(2)) {
                let asking = try Terminal()
                let told = try await terminalRun(asking, ["nodes", "add", "127.0.0.1:\(right.clusterPort)"])
                return !told.output.contains("right of the cluster")
            }, fails("closes"))
        let alone = try await right.run("nodes")
        #expect(isRefusal(alone, "is in no cluster"), "\(alone)")
        #expect(await eventually { try await left.sees("right")?.state != "up" }, fails("right gone"))
    }

    @Test func aHostGoesByTheNameThatItWasLetInBy() async throws {
        let (left, right) = try await (RunningHost("left"), RunningHost(nil))
        #expect(try await left.run("cluster", "init", "--name", "team").code == 0)
        let token = try await left.run("cluster", "invite").output.trimmingCharacters(in: .whitespacesAndNewlines)
        // Its listener opens once the router has taken note.
        let place = "127.0.0.1:\(left.clusterPort)"
        #expect(
            await eventually { try await right.run("join", token, "--at", place, "--name", "box").code == 0 },
            "\(left.said)")
        #expect(await eventually { try await right.sees("box")?.state == "up" }, "\(right.said)")
        #expect(await eventually { try await right.sees("left")?.state == "up" }, "\(right.said)")

        #expect(try await left.run("cluster", "revoke", "box").code == 0)
        #expect(
            await eventually { try await right.run("doctor").output.contains("was revoked, or never let in") },
            "\(right.said)")
        let status = try await right.run("cluster", "status")
        #expect(status.output.contains("not let in: this node was revoked"), "\(status)")
        #expect(status.output.contains("next: llmstack cluster leave, then llmstack join TOKEN"), "\(status)")
    }
}
