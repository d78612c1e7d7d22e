import Foundation
import RouterHarness
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A stack for one test: the stand-in for llama-swap over the real engine, on ports of its own, with four tiers of a
/// made-up model; and a router over it where the test asks for one.
struct Stack: Sendable {
    let directory: URL
    let standIn: Program
    let swap: Endpoint
    let firstPort: Int
    private(set) var router: Program?
    private(set) var api: Endpoint

    private static let tiers: [(name: String, role: String, cost: Int, alias: String)] = [
        ("code-fast", "fast", 2, "fast"), ("code-smart", "agent", 30, "smart"), ("plan", "plan", 6, "planner"),
        ("plan-uncensored", "plan-uncensored", 9, "heretic"),
    ]

    /// Runs a test over a stack and takes it down, whatever the test does.
    static func run(
        withRouter: Bool = false, loadingState: Bool = true, environment: [String: String] = [:],
        _ test: (Stack) async throws -> Void
    ) async throws {
        let installation = try Installation()
        let directory = FileManager.default.temporaryDirectory.appending(path: "llmstack-live-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let port = try FreePorts.consecutive(6)
        let yaml = directory.appending(path: "llama-swap.yaml")
        try Self.yaml(installation.llamaServer.path, firstPort: port + 2, loadingState)
            .write(to: yaml, atomically: true, encoding: .utf8)
        try Self.ini.write(to: directory.appending(path: "models.ini"), atomically: true, encoding: .utf8)
        let standIn = try Program(
            installation.standIn,
            [
                "--config", yaml.path, "--listen", "127.0.0.1:\(port)",
                "--child-log", directory.appending(path: "engine.log").path,
            ],
            environment: ["LLMSTACK_ENGINE_THREADS": "1"].merging(environment) { $1 },
            log: directory.appending(path: "llama-swap.log"))
        let swap = Endpoint(port: port)
        var stack = Stack(
            directory: directory, standIn: standIn, swap: swap, firstPort: port + 2, router: nil, api: swap)
        do {
            try await stack.awaitReady(standIn, swap, "/health")
            if withRouter {
                let router = try Program(
                    Installation.llmstack(), ["router"],
                    environment: [
                        "ROUTER_HOST": "127.0.0.1", "ROUTER_PORT": String(port + 1),
                        "LLAMA_SWAP_URL": "http://127.0.0.1:\(port)",
                        "LLMSTACK_MODELS_INI": directory.appending(path: "models.ini").path,
                        "LLMSTACK_WORK_DIR": directory.path,
                    ],
                    log: directory.appending(path: "router.log"))
                stack.router = router
                stack.api = Endpoint(port: port + 1)
                try await stack.awaitReady(router, stack.api, "/models.ini")
            }
            try await test(stack)
        } catch {
            await stack.end()
            Issue.record("the stack's logs:\n\(stack.logs)")
            throw error
        }
        await stack.end()
    }

    struct NotReady: Error, CustomStringConvertible {
        var description: String
    }

    private func awaitReady(_ program: Program, _ endpoint: Endpoint, _ path: String) async throws {
        let isUp = await eventually(within: .seconds(30)) {
            if await program.status != nil { return true }
            return (try? await endpoint.get(path))?.status == 200
        }
        guard isUp, await program.status == nil else {
            throw NotReady(description: "\(program.log.lastPathComponent) did not come up")
        }
    }

    private func end() async {
        await router?.end()
        await standIn.end()
        // A test may have killed the stand-in; its children are then nobody's.
        for pid in await enginePIDs() { kill(pid, SIGKILL) }
    }

    /// The processes of this stack's llama-servers, by the ports in their command lines.
    func enginePIDs() async -> [pid_t] {
        let ports = (0..<4).map { String(firstPort + $0) }
        return Processes.all().filter { process in
            process.words.contains { $0.hasSuffix("/llama-server.py") } && process.words.contains(where: ports.contains)
        }.map(\.pid)
    }

    /// The states of the models that are not stopped, by llama-swap's word.
    func running() async throws -> [String: String] {
        let reply = try await swap.get("/running")
        var states: [String: String] = [:]
        for index in 0..<8 {
            guard let model = reply.value("running", String(index), "model") else { break }
            states[model] = reply.value("running", String(index), "state")
        }
        return states
    }

    var logs: String {
        ["llama-swap.log", "router.log", "engine.log"].compactMap { name in
            let text = try? String(contentsOf: directory.appending(path: name), encoding: .utf8)
            return text.map { "--- \(name)\n\($0.suffix(4000))" }
        }.joined(separator: "\n")
    }

    private static var ini: String {
        tiers.map { tier in
            """
            [\(tier.name)]
            tier = code
            role = \(tier.role)
            hf_repo = made/up
            hf_file = tiny.gguf
            ctx_size = 8192
            size_gb = 1

            """
        }.joined(separator: "\n")
    }

    private static func yaml(_ llamaServer: String, firstPort: Int, _ loadingState: Bool) -> String {
        let models = tiers.map { tier in
            """
              \(tier.name):
                name: "\(tier.name)"
                description: made up
                cmd: |
                  '${llama_server}' ${metal_defaults}
                  -hf made/up
                  -hff tiny.gguf
                  --alias \(tier.name)
                  -c 8192
                ttl: 0
                aliases:
                  - \(tier.alias)
                metadata:
                  role: \(tier.role)
            """
        }
        return """
            healthCheckTimeout: 60
            logLevel: info
            logToStdout: proxy
            startPort: \(firstPort)
            sendLoadingState: \(loadingState)
            includeAliasesInList: true
            globalTTL: 0
            macros:
              llama_server: "\(llamaServer)"
              metal_defaults: "--host 127.0.0.1 --port ${PORT} -ngl 999 -fa on --jinja --threads -1 --no-warmup --no-mmap"
            models:
            \(models.joined(separator: "\n"))
            matrix:
              vars:
                f: code-fast
                c: code-smart
                p: plan
                u: plan-uncensored
              evict_costs:
            \(zip(["f", "c", "p", "u"], tiers).map { "    \($0): \($1.cost)" }.joined(separator: "\n"))
              sets:
                agent_with_fast: "f & c"
                plan_with_fast: "f & p"
                plan_uncensored_with_fast: "f & u"
                all_chats_with_fast: "f & p & u"
            hooks:
              on_startup:
                preload:
                  - code-fast

            """
    }
}

/// The processes of this host.
enum Processes {
    struct Entry: Sendable {
        var pid: pid_t
        var words: [String]
    }

    static func all() -> [Entry] {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/ps")
        process.arguments = ["-axww", "-o", "pid=,args="]
        let pipe = Pipe()
        process.standardOutput = pipe
        guard (try? process.run()) != nil else { return [] }
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            return words.first.flatMap(pid_t.init).map { Entry(pid: $0, words: Array(words.dropFirst())) }
        }
    }
}
