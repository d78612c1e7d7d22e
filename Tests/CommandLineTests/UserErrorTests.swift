import Foundation
import Testing

/// What a user can get wrong at the terminal: the exit code, one line of what is wrong, one of what to do; and nothing is
/// written.
struct UserErrorTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var typed: [String]
        var environment: [String: String] = [:]
        var ini: String?
        var files: [String: String] = [:]
        /// Below the home.
        var homeFiles: [String: String] = [:]
        var hasLlamaSwap = false
        var input = ""
        var code: Int32 = 1
        /// What the message must say.
        var says: [String]

        var testDescription: String { "\(typed.joined(separator: " ")) \(environment) \(ini ?? "")" }
    }

    private static let good = "[code-fast]\nrole = fast\nhf_repo = a/b\nhf_file = c.gguf\n"
    private static let thin = [".llmstack/default-channel": "external http://127.0.0.1:1\n"]

    private static let unheard = ["LLMSTACK_DISCOVERY": "none"]
    private static let pin = """
        {"version": 1, "cluster": {"id": "clusterclusterc1", "name": "studio", "security": "open"},
         "router": {"id": "nodenodenodenod1", "name": "desktop"}, "url": "http://127.0.0.1:1"}
        """

    private static let broken: [(String, [String])] = [
        ("[a]\nhello", [":2:", "neither"]), ("x = 1", [":1:", "before the first section"]),
        ("[a]\n[a]", [":2:", "twice"]),
        ("[a]\nx = 1\nx = 2", [":3:", "twice"]), ("[a]\nbackend = vllm", [":2:", "vllm"]),
        ("[a]\nbackend = bedrock", [":2:", "names no model"]),
        ("[a]\naws_secret_access_key = x", [":2:", "aws_secret_access_key"]),
        ("[DEFAULT]\naws_session_token = x", [":2:", "credentials"]),
        ("[ROUTING]\nmulti_turn = many", [":2:", "no number"]),
        ("[ROUTING]\nplan_phrases = [x", [":2:", "plan_phrases"]),
        ("[a]\nhf_repo = a\nhf_file = b\nsampler = temp=1.2.3", [":4:", "1.2.3"]),
        ("[DEFAULT]\nrouter_port = abc", [":2:", "router_port = abc", "65535"]),
        ("[DEFAULT]\nrouter_port = 99999", [":2:", "router_port = 99999"]),
        ("[DEFAULT]\nrouter_port = 0", [":2:", "router_port = 0"]),
        ("[DEFAULT]\nhost = foo bar", [":2:", "host = foo bar", "127.0.0.1"]),
    ]

    static let cases = ownHostCases + portCases + tierCases + aDirectoryForAFile + clusterCases

    private static let tierCases: [Case] = [
        Case(typed: ["install"], ini: "; mine\n", says: ["models.ini: the file has no tiers", "delete the file"]),
        Case(
            typed: ["start", "--detach"], ini: "[a]\nrole = fast\n", files: [".llmstack/opencode.json": "{}"],
            hasLlamaSwap: true, says: ["models.ini: the file has no tiers"]),
    ]

    private static let portCases: [Case] = [
        Case(typed: ["install"], environment: ["ROUTER_PORT": "abc"], ini: good, says: ["ROUTER_PORT=abc", "65535"]),
        Case(typed: ["status"], environment: ["ROUTER_PORT": "abc"], ini: good, says: ["ROUTER_PORT=abc", "65535"]),
        Case(typed: ["doctor"], environment: ["ROUTER_PORT": "abc"], says: ["ROUTER_PORT=abc", "65535"]),
        Case(typed: ["check"], environment: ["ROUTER_PORT": "abc"], ini: good, says: ["ROUTER_PORT=abc", "65535"]),
        Case(
            typed: ["start", "--detach"], environment: ["ROUTER_PORT": "0"], ini: good,
            files: [".llmstack/opencode.json": "{}"], hasLlamaSwap: true, says: ["ROUTER_PORT=0", "65535"]),
    ]

    private static let aDirectoryForAFile = ["install", "status", "check", "download", "explain", "router"].map {
        Case(
            typed: [$0], files: [".llmstack/models.ini/part": ""],
            says: ["models.ini", "is a directory", "check what it is"])
    }

    private static let ownHostCases: [Case] =
        (broken + brokenNodeSections).flatMap { ini, says in
            ["install", "status", "check", "download", "explain"].map {
                Case(typed: [$0], ini: ini, input: "{}", says: ["models.ini"] + says)
            }
        } + [
            Case(typed: ["frobnicate"], says: ["frobnicate", "  next: llmstack help"]),
            Case(typed: ["statsu"], says: ["statsu", "did you mean status? llmstack help"]),
            Case(typed: ["instal"], says: ["instal", "did you mean install? llmstack help"]),
            Case(typed: [""], says: ["no command \"\"\n  next: llmstack help"]),
            Case(typed: ["status"], says: ["llmstack install"]),
            Case(typed: ["check"], says: ["llmstack install"]), Case(typed: ["download"], says: ["llmstack install"]),
            Case(typed: ["start", "--detach"], ini: good, says: ["llama-swap", "install-llama-swap"]),
            Case(
                typed: ["start", "--detach"], ini: good, hasLlamaSwap: true,
                says: ["opencode.json", "llmstack install"]),
            Case(
                typed: ["start", "--detach"], files: [".llmstack/opencode.json": "{}"], hasLlamaSwap: true,
                says: ["models.ini", "llmstack install"]),
            Case(
                typed: ["start", "--next", "--detach"], ini: good, files: [".llmstack/opencode.json": "{}"],
                hasLlamaSwap: true, says: ["queued", "hf_file_next"]),
            Case(typed: ["start", "--detach"], files: thin, says: ["opencode.json", "install"]),
            Case(typed: ["setup"], files: thin, says: ["http://127.0.0.1:1"]),
            Case(typed: ["download"], files: thin, says: ["http://127.0.0.1:1"]),
            Case(typed: ["check"], files: thin, says: ["http://127.0.0.1:1"]),
            Case(typed: ["install-llama-swap"], files: thin, says: ["http://127.0.0.1:1"]),
            Case(
                typed: ["install", "--external", "http://127.0.0.1:1"], says: ["http://127.0.0.1:1", "llmstack start"]),
            Case(typed: ["install", "--external", "127.0.0.1:1"], says: ["http://"]),
            Case(typed: ["install", "--external=ftp://x"], says: ["ftp://x", "http://"]),
            Case(
                typed: ["install"], environment: ["LLMSTACK_REMOTE_URL": "http://127.0.0.1:1"],
                says: ["http://127.0.0.1:1"]),
            Case(
                typed: ["install", "--external", "10.0.0.5:10103"],
                says: ["10.0.0.5:10103", "is a host", "write http://10.0.0.5:10103"]),
            Case(typed: ["install", "--external", "fd00::5"], says: ["write http://[fd00::5]:10103"]),
            Case(typed: ["install", "--external", "two words"], says: ["two words", "http://", "auto"]),
            Case(
                typed: ["install", "--external", "auto"], environment: unheard,
                says: ["turned off", "http://HOST:10103"]),
            Case(
                typed: ["install", "--external=auto"], environment: unheard, says: ["turned off", "LLMSTACK_DISCOVERY"]),
            Case(typed: ["install", "--external", "studio"], environment: unheard, says: ["turned off"]),
            Case(typed: ["install", "--print", "--external", "auto"], environment: unheard, says: ["turned off"]),
            Case(
                typed: ["install"], environment: unheard.merging(["LLMSTACK_REMOTE_URL": "auto"]) { $1 },
                says: ["turned off"]),
            // Inside the project the hook's variable stands for the router that was found by name.
            Case(
                typed: ["install"], environment: ["LLMSTACK_REMOTE_URL": "http://127.0.0.1:1"],
                files: thin.merging([".llmstack/router.json": "{"]) { $1 },
                says: ["router.json is damaged", "install --external auto"]),
            Case(
                typed: ["install"], environment: unheard.merging(["LLMSTACK_REMOTE_URL": "http://127.0.0.1:1"]) { $1 },
                files: thin.merging([".llmstack/router.json": pin]) { $1 }, says: ["turned off"]),
            Case(
                typed: ["start", "--detach"],
                files: thin.merging([".llmstack/router.json": "{}", ".llmstack/opencode.json": "{}"]) { $1 },
                says: ["router.json is damaged", "install --external auto"]),
            Case(
                typed: ["start", "--detach"], files: thin.merging([".llmstack/router.json": pin]) { $1 },
                says: ["opencode.json", "llmstack install"]),
            Case(typed: ["explain"], ini: good, says: ["standard input", "empty"]),
            Case(typed: ["explain"], ini: good, input: "hello", says: ["JSON object"]),
            Case(typed: ["explain"], ini: good, input: "[]", says: ["JSON object"]),
            Case(typed: ["explain"], ini: good, input: "{\"messages\":[1]}", says: ["messages[0]"]),
            Case(typed: ["explain", "nowhere.json"], ini: good, says: ["nowhere.json"]),
            Case(
                typed: ["explain"], environment: ["ROUTER_MULTI_TURN": "x"], ini: good, input: "{}",
                says: ["ROUTER_MULTI_TURN=x", "whole number"]),
            Case(typed: ["router"], environment: ["ROUTER_PORT": "x"], says: ["ROUTER_PORT=x", "port number"]),
            Case(typed: ["router"], environment: ["ROUTER_PORT": "99999"], says: ["ROUTER_PORT=99999"]),
            Case(
                typed: ["router"], environment: ["LLAMA_SWAP_URL": "nowhere"],
                says: ["LLAMA_SWAP_URL=nowhere", "http://"]),
            Case(typed: ["router"], environment: ["LOG_LEVEL": "loud"], says: ["LOG_LEVEL=loud", "warning"]),
            Case(
                typed: ["router"], environment: ["ROUTER_HIGH_FIDELITY_CEILING": "12k"],
                says: ["ROUTER_HIGH_FIDELITY_CEILING=12k"]),
            Case(
                typed: ["router"], environment: ["ROUTER_HOST": "203.0.113.7", "ROUTER_PORT": "0"],
                says: ["203.0.113.7", "ROUTER_HOST"]),
            // Longer than a name may be, so that nobody is asked for it.
            Case(
                typed: ["router"],
                environment: ["ROUTER_HOST": String(repeating: "x", count: 70), "ROUTER_PORT": "0"],
                says: ["cannot listen on xxx", "ROUTER_HOST"]),
        ]

    @Test func thereAreManyOfThem() {
        #expect(Self.cases.count > 180)
    }

    /// One after the other: two hundred programs at once would starve the tests beside them.
    @Test(.serialized, arguments: cases) func itIsSaidInTwoLinesAndNothingIsWritten(_ test: Case) async throws {
        let terminal = try Terminal()
        if let ini = test.ini { try terminal.write(ini, to: ".llmstack/models.ini") }
        for (path, text) in test.files { try terminal.write(text, to: path) }
        for (path, text) in test.homeFiles { try terminal.write(text, to: "../home/\(path)") }
        if test.hasLlamaSwap { try terminal.place("llama-swap", script: "exit 3") }
        let before = terminal.snapshot()
        let result = try await aside {
            try terminal.run(test.typed, environment: test.environment, input: test.input)
        }
        #expect(result.code == test.code, "\(result.output)\(result.errors)")
        // A thin client's refusals are on standard output, all others on standard error.
        let message = result.errors.isEmpty ? result.output : result.errors
        for piece in test.says { #expect(message.contains(piece), "\(message)") }
        let lines = message.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("  fix: ") || $0.hasPrefix("  next: ") } == 1, "\(message)")
        #expect(lines.contains { $0.hasPrefix("llmstack") }, "\(message)")
        #expect(terminal.snapshot() == before)
    }

    @Test(arguments: [
        ["install", "--bogus"], ["start", "--bogus"], ["stop", "--bogus"], ["restart", "--bogus"],
        ["status", "--bogus"], ["setup", "--bogus"],
        ["download", "--bogus"], ["install-llama-swap", "--bogus"], ["explain", "--bogus"], ["router", "--bogus"],
        ["start", "extra"],
        ["install", "--external", "--next"], ["install", "--current", "--external=http://h"],
        ["start", "--foreground", "--detach"],
    ])
    func aCommandThatIsTypedWronglyShowsItsUsage(_ typed: [String]) throws {
        let terminal = try Terminal()
        let result = try terminal.run(typed)
        #expect(result.code == 2, "\(result.output)\(result.errors)")
        #expect(result.output.contains("usage: llmstack"))
        #expect(result.errors.isEmpty)
        #expect(terminal.snapshot().isEmpty)
    }

    @Test func stopIsNeverAnError() throws {
        let terminal = try Terminal()
        for ini in [nil, Self.good, "broken"] {
            if let ini { try terminal.write(ini, to: ".llmstack/models.ini") }
            #expect(try terminal.run(["stop"]).code == 0)
        }
    }
}
