import Foundation
import Testing

/// `llmstack nodes --history` through the built program.
struct HistoryVerbTests {
    private static let file = ".local/state/llmstack/state.db"

    @Test(arguments: [
        (["nodes", "--history", "--watch"], "--watch"), (["nodes", "--history", "--limit", "0"], "--limit"),
        (["nodes", "--history", "--limit", "-3"], "--limit"), (["nodes", "--history", "--limit", "many"], "many"),
        (["nodes", "show", "--history", "extra"], "extra"),
        (["nodes", "--limit", "5"], "--limit goes with --history"),
        (["nodes", "show", "--limit", "5"], "--limit goes with --history"),
        (["nodes", "add", "127.0.0.1:1", "--json"], "go with llmstack nodes alone"),
        (["nodes", "--watch", "remove", "127.0.0.1:1"], "go with llmstack nodes alone"),
    ])
    func whatIsTypedWronglyIsNamed(_ typed: [String], _ says: String) async throws {
        let terminal = try Terminal()
        let result = try await aside { try terminal.run(typed, environment: UserErrorTests.alone) }
        #expect(result.code == 2 && result.errors.isEmpty, "\(result)")
        #expect(result.output.hasPrefix("Error: ") && result.output.contains(says), "\(result)")
        #expect(terminal.snapshot().isEmpty)
    }

    @Test(arguments: [
        (nil, "there is no "),
        (
            "no database, but longer than a header of SQLite has to be: it is read in whole, and then it is none\n",
            "cannot be read: "
        ),
        ("", "cannot be read: "),
    ])
    func aHostWithoutHistorySaysWhatToDo(_ content: String?, _ says: String) async throws {
        for words in [["nodes", "--history"], ["nodes", "--history", "--json"]] {
            let terminal = try Terminal()
            if let content { try terminal.write(content, to: "../home/\(Self.file)") }
            let before = terminal.snapshot()
            let result = try await aside { try terminal.run(words, environment: UserErrorTests.alone) }
            let lines = result.errors.split(separator: "\n")
            #expect(result.code == 1 && result.output.isEmpty && lines.count == 2, "\(result)")
            #expect(lines[0].hasPrefix("llmstack: ") && lines[0].contains(says) && lines[0].contains(Self.file))
            #expect(lines[1].hasPrefix("  next: llmstack start"), "\(result)")
            #expect(terminal.snapshot() == before)
        }
    }

    private struct History: Decodable {
        struct Change: Decodable {
            var time, node, name, from, to, evidence: String
        }
        var history: [Change]
    }

    @Test func whoComesAndGoesIsShownWithTheRouterAndWithoutIt() async throws {
        let (left, right) = try await (RunningHost("left"), RunningHost("right"))
        let database = left.terminal.home.appending(path: Self.file).path
        #expect(!FileManager.default.fileExists(atPath: database), "a single host writes no database")
        #expect(try await left.run("cluster", "init", "--open", "--name", "team").code == 0)
        #expect(
            await eventually {
                try await right.run("join", "--open", "team", "--at", "127.0.0.1:\(left.clusterPort)").code == 0
            }, "\(left.said)")
        let place = "127.0.0.1:\(right.clusterPort)"
        #expect(try await left.run("nodes", "add", place).code == 0)
        #expect(await eventually { try await left.run("nodes", "--history").output.contains("-> up") }, "\(left.said)")
        #expect(try await left.run("nodes", "remove", place).code == 0)
        #expect(
            await eventually { try await left.run("nodes", "--history").output.contains("-> gone") }, "\(left.said)")

        let (terminal, environment) = (left.terminal, left.environment)
        func told(_ words: String...) async throws -> String {
            let result = try await aside {
                try terminal.run(
                    ["nodes", "--history"] + words, environment: environment.merging(["TZ": "UTC-2"]) { $1 })
            }
            #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
            return result.output
        }
        let text = try await told()
        let lines = text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.contains(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \S+  \w+ -> \w+  +\S/) }, "\(text)")
        #expect(try await told("--limit", "1") == lines.suffix(1).joined() + "\n")

        let json = try JSONDecoder().decode(History.self, from: Data(try await told("--json").utf8)).history
        #expect(json.count == lines.count && json.last?.to == "gone" && json.last?.name == "right", "\(json)")
        // Two hours east of Greenwich.
        let time = try #require(json.last?.time)
        let utc = try Date(time, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let local = Date.ISO8601FormatStyle(timeZone: .gmt).dateTimeSeparator(.space).format(
            utc.addingTimeInterval(7200))
        #expect(lines.last?.hasPrefix(local.prefix(19)) == true, "\(local) \(text)")

        left.stop()
        #expect(try await told() == text)
        let mode = try FileManager.default.attributesOfItem(atPath: database)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }
}
