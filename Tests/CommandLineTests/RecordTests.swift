import Foundation
import RouterHarness
import Testing

/// What a router records by `LLMSTACK_RECORD`, and `cluster-simulation --replay` of it, as built.
struct RecordTests {
    private static func replay(_ file: String, _ words: String...) async throws -> Terminal.Result {
        let terminal = try Terminal()
        let program = terminal.program.deletingLastPathComponent().appending(path: "cluster-simulation")
        return try await aside { try terminal.run(["--replay", file] + words, program: program) }
    }

    @Test func whatARouterDecidedIsDecidedAgain() async throws {
        let (engine, cache) = (try ScriptedUpstream(Self.engine), try Terminal())
        defer { engine.stop() }
        try cache.write("weights", to: "models--a--b/snapshots/1/c.gguf")
        let left = try await RunningHost("left", environment: ["LLMSTACK_RECORD": "incident.jsonl"])
        let right = try await RunningHost(
            "right", tier: "big",
            environment: [
                "LLAMA_SWAP_URL": "http://127.0.0.1:\(engine.port)", "HF_HUB_CACHE": cache.project.path,
            ])
        let file = left.terminal.home.appending(path: ".local/state/llmstack/incident.jsonl").path
        #expect(try await left.run("cluster", "init", "--open", "--name", "team").code == 0)
        #expect(
            await eventually {
                try await right.run("join", "--open", "team", "--at", "127.0.0.1:\(left.clusterPort)").code == 0
            }, "\(left.said)")
        let place = "127.0.0.1:\(right.clusterPort)"
        #expect(try await left.run("nodes", "add", place).code == 0)
        #expect(
            await eventually { try await left.sees("right")?.policy?.accepting == true }, "\(left.said) \(right.said)")
        let port = left.routerPort
        for model in ["big", "code-smart", "auto", "big"] {
            let body = #"{"model":"\#(model)","messages":[{"role":"user","content":"MY SECRET IS 42"}]}"#
            _ = try await aside {
                let socket = try Socket(port: port)
                socket.send(RequestText.post("/v1/chat/completions", body))
                return try socket.reply()
            }
        }
        right.stop()
        #expect(
            await eventually { try await left.run("nodes", "--history").output.contains("-> down") }, "\(left.said)")
        left.stop()
        #expect(left.said.contains("recording what this router decides, and from what, to \(file)"), "\(left.said)")

        let told = try await Self.replay(file)
        #expect(told.code == 0 && told.errors.isEmpty, "\(told)")
        #expect(told.output.contains(/\d\d:\d\d:\d\d\.\d{3}  right  new -> up  it described itself/), "\(told)")
        #expect(told.output.contains("  right  up -> down  ") && told.output.contains("placed: "), "\(told)")
        #expect(told.output.contains(/replayed \d+ events, [1-9]\d* decisions, all the same\n$/), "\(told)")
        let full = try await Self.replay(file, "--trace")
        #expect(full.code == 0 && full.output.contains("  big on right"), "\(full)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(!text.contains("SECRET"))

        // The first difference is said, by its line.
        let lines = text.split(separator: "\n").map(String.init)
        let index = try #require(lines.firstIndex { $0.contains(#""to":"down""#) })
        var other = lines
        other[index] = lines[index].replacing(#""to":"down""#, with: #""to":"suspect""#)
        try (other.joined(separator: "\n") + "\n").write(toFile: file)
        let differs = try await Self.replay(file)
        #expect(differs.code == 1 && !differs.output.contains("all the same"), "\(differs)")
        #expect(differs.errors.contains("\(file):\(index + 1): recorded: "), "\(differs)")
        #expect(differs.errors.contains("\n  replayed: ") && differs.errors.contains("up -> down"), "\(differs)")
    }

    /// A llama-swap that has `big` in memory, and serves it.
    private static let engine: ScriptedUpstream.Answer = { socket, request in
        func reply(_ status: String, _ body: String) {
            socket.send(
                "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                    + body)
        }
        switch request.target {
        case "/running": reply("200 OK", #"{"running":[{"model":"big","state":"ready"}]}"#)
        case "/v1/chat/completions": reply("200 OK", #"{"choices":[]}"#)
        default: reply("404 Not Found", "{}")
        }
        return .keepOpen
    }

    private static let header = #"{"llmstack_record":4,"time":1.7e9}"# + "\n"

    @Test(arguments: [
        (nil, ": it cannot be read: "), ("", ":1: there is no header"),
        ("{}\n", ":1: the header of a record was expected: there is no \"llmstack_record\""),
        ("{\"llmstack_record\":1,\"time\":1}\n", ":1: it is of format 1, and format 4 was expected"),
        (header + "{\"at\":1,\"what\":{\"tick\":{}}}\n", ":2: an event was expected: "),
        (header + "{\"what\":{\"missing\":{\"_0\":1}}}\n", ":2: an event was expected: there is no \"at\""),
        (header + "{\"at\":1,\"what\":{\"missing\":{\"_0\":1}}}\nxyz\n", ":3: an event was expected: "),
    ])
    func aBrokenRecordIsNamedByFileLineAndWhatWasExpected(_ content: String?, _ says: String) async throws {
        let terminal = try Terminal()
        let file = terminal.root.appending(path: "broken.jsonl").path
        try content?.write(toFile: file)
        let result = try await Self.replay(file)
        #expect(result.code == 1 && result.errors.contains(file + says), "\(result)")
        #expect(result.errors.contains("\n  fix: "), "\(result)")
    }

    @Test func whatARouterThatWasKilledDidNotFinishIsLeftOut() async throws {
        let terminal = try Terminal()
        let file = terminal.root.appending(path: "cut.jsonl").path
        try (Self.header + #"{"at":1,"what":{"missing":{"_0":1}}}"# + "\n" + #"{"at":2,"wh"#).write(toFile: file)
        let result = try await Self.replay(file)
        #expect(result.code == 0 && result.output.contains("the last line is cut off, and left out"), "\(result)")
        #expect(result.output.contains("replayed 1 events, 0 decisions, all the same"), "\(result)")
    }
}

extension String {
    fileprivate func write(toFile path: String) throws {
        try write(to: URL(filePath: path), atomically: true, encoding: .utf8)
    }
}
