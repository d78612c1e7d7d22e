import Foundation
import RouterHarness
import Testing

/// A router of a cluster that is told to stop while both its listeners have a request in hand.
@Suite(.timeLimit(.minutes(4)))
struct RouterStopTests {
    private static let body = #"{"model":"code-smart","messages":[]}"#
    private static let chat = RequestText.post("/v1/chat/completions", body)

    @Test func bothListenersTakeNobodyNewAndLetTheirRequestsFinish() async throws {
        let goOn = DispatchSemaphore(value: 0)
        let upstream = try ScriptedUpstream { socket, request in
            if request.target == "/running" {
                socket.send("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"running\":[]}")
            } else if request.method == "POST" {
                socket.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
                _ = goOn.wait(timeout: .now() + 60)
                socket.send("cd")
            } else {
                socket.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            }
            return .keepOpen
        }
        try await onThread { try Self.stop(upstream, goOn) }
    }

    private static func stop(_ upstream: ScriptedUpstream, _ goOn: DispatchSemaphore) throws {
        let terminal = try Terminal()
        let weights = terminal.home.appending(path: "hub/models--a--b/snapshots/1")
        try FileManager.default.createDirectory(at: weights, withIntermediateDirectories: true)
        try Data("GGUF".utf8).write(to: weights.appending(path: "s.gguf"))
        try terminal.write(
            "[code-smart]\nrole = agent\nhf_repo = a/b\nhf_file = s.gguf\n", to: ".llmstack/models.ini")
        let first = try FreePorts.consecutive(2)
        let ports = [first, first + 1]
        let environment = [
            "ROUTER_PORT": "\(ports[0])", "LLMSTACK_CLUSTER_PORT": "\(ports[1])",
            "LLAMA_SWAP_URL": "http://127.0.0.1:\(upstream.port)",
            "HF_HUB_CACHE": terminal.home.appending(path: "hub").path,
        ]
        #expect(try terminal.run(["cluster", "init", "--open", "--name", "t"], environment: environment).code == 0)
        let router = terminal.process(["router"], environment: environment)
        router.standardOutput = FileHandle.nullDevice
        router.standardError = FileHandle.nullDevice
        try router.run()
        defer { if router.isRunning { router.terminate() } }
        let inHand = try ports.map { port in try #require(until(within: 30) { begun(port) }) }

        router.terminate()
        // While the other one's request is in hand, too.
        for port in ports { #expect(until { takesNobody(port, upstream) ? true : nil } == true) }
        // Also for those that came through before it had seen the signal.
        for _ in 0..<1000 { goOn.signal() }
        for client in inHand { #expect(try client.read().suffix(2) == Array("cd".utf8)[...]) }
        router.waitUntilExit()
        #expect(router.terminationStatus == 0)
    }

    /// A client whose reply has begun; nil where the router does not serve yet.
    private static func begun(_ port: Int) -> Socket? {
        guard let client = try? Socket(port: port) else { return nil }
        client.send(chat)
        var bytes: [UInt8] = []
        while let more = client.receive(), !more.isEmpty {
            bytes += more
            if bytes.suffix(2) == Array("ab".utf8)[...] { return client }
            if String(decoding: bytes, as: UTF8.self).contains(" 503 ") { return nil }
        }
        return nil
    }

    /// The port may be somebody else's by then: what counts is that no request comes through.
    private static func takesNobody(_ port: Int, _ upstream: ScriptedUpstream) -> Bool {
        let before = upstream.requests.filter { $0.method == "POST" }.count
        if let socket = try? Socket(port: port) {
            socket.send(chat)
            _ = socket.receive(seconds: 0.2)
        }
        return upstream.requests.filter { $0.method == "POST" }.count == before
    }

    private static func until<Value>(within seconds: Int = 8, _ condition: () throws -> Value?) rethrows -> Value? {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if let value = try condition() { return value }
            usleep(5000)
        }
        return nil
    }
}
