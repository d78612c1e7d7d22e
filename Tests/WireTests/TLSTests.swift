import Cluster
import Foundation
import NIOCore
import RouterHarness
import Synchronization
import Testing
import Wire

@Suite(.timeLimit(.minutes(3)))
struct TLSTests {
    private static let patience = Duration.seconds(30)

    private func endpoint(
        _ server: LoneServer, _ identity: TLSIdentity, expected: String? = nil, prefix: String = ""
    ) -> Endpoint {
        Endpoint(
            host: "127.0.0.1", port: server.port, prefix: prefix,
            security: .tls(identity, expected: expected.map { NodeID($0) }))
    }

    private func ask(_ endpoint: Endpoint, _ path: String = "/", body: [UInt8] = []) async throws -> String {
        let reply = try await HTTPProbe.ask(
            body.isEmpty ? "GET" : "POST", at: endpoint, path: path, body: body, timeout: Self.patience)
        return String(decoding: reply.body, as: UTF8.self)
    }

    private func refusal(_ endpoint: Endpoint) async -> String {
        do {
            return "answered: \(try await ask(endpoint))"
        } catch {
            return "\(error)"
        }
    }

    // MARK: Who is there

    @Test func `Both sides know each other by their certificates`() async throws {
        let authority = try TestAuthority()
        let server = try await LoneServer(PeerRouter(), tls: authority.identity("node-box"))
        let den = endpoint(server, try authority.identity("node-den"), expected: "node-box")
        #expect(den.description == "https://127.0.0.1:\(server.port)")
        #expect(try await ask(den) == "spiffe://cluster-1/node/node-den at 127.0.0.1")
        #expect(try await ask(den, "/collected", body: Array("{}".utf8)) == "node-den")
        await server.stop()
    }

    @Test func `A client without certificate is nobody`() async throws {
        let authority = try TestAuthority()
        let server = try await LoneServer(PeerRouter(), tls: authority.identity("node-box"))
        #expect(try await ask(endpoint(server, try authority.identity(nil))) == "nobody at 127.0.0.1")
        await server.stop()
    }

    @Test func `Over plain HTTP everybody is nobody`() async throws {
        let server = try await LoneServer(PeerRouter())
        #expect(try await ask(Endpoint(host: "127.0.0.1", port: server.port)) == "nobody at 127.0.0.1")
        await server.stop()
    }

    @Test func `A client whose certificate is refused is told so and not served`() async throws {
        let (ours, theirs) = (try TestAuthority("cluster-1"), try TestAuthority("cluster-2"))
        let router = PeerRouter()
        let server = try await LoneServer(router, tls: ours.identity("node-box"))
        let issued = try theirs.issue("node-den")
        let stranger = try TLSIdentity(chainPEM: issued.chain, keyPEM: issued.key, verify: ours.verify)
        for _ in 0..<20 {
            let text = await refusal(endpoint(server, stranger))
            #expect(text.contains("it refused this host's certificate"), "\(text)")
        }
        #expect(router.begun.load(ordering: .relaxed) == 0)
        await server.stop()
    }

    @Test func `Another node than the expected one is named in the refusal`() async throws {
        let authority = try TestAuthority()
        let router = PeerRouter()
        let server = try await LoneServer(router, tls: authority.identity("node-box"))
        let text = await refusal(endpoint(server, try authority.identity("node-den"), expected: "node-attic"))
        #expect(text.contains("its certificate is that of node node-box, not of node-attic"), "\(text)")
        #expect(text.hasPrefix("no connection to https://127.0.0.1:\(server.port)"), "\(text)")
        #expect(router.begun.load(ordering: .relaxed) == 0)
        await server.stop()
    }

    @Test func `What the verification says reaches whoever asks`() async throws {
        let (ours, theirs) = (try TestAuthority("cluster-1"), try TestAuthority("cluster-2"))
        let server = try await LoneServer(PeerRouter(), tls: theirs.identity("node-box"))
        let there = endpoint(server, try ours.identity("node-den"))
        let reason = "its certificate is of another cluster"
        #expect(await refusal(there).contains(reason))
        do {
            for try await _ in EventStreamClient(endpoint: there, path: "/events").events() {}
            Issue.record("it was taken")
        } catch let failure as EventStreamClient.Failure {
            #expect(failure == .unreachable(reason))
        }
        // And an upstream's failure, by way of a router.
        let middle = try await LoneServer(PeerRouter(next: there))
        let text = try await ask(Endpoint(host: "127.0.0.1", port: middle.port), "/next")
        #expect(text.contains(reason), "\(text)")
        await middle.stop()
        await server.stop()
    }

    @Test func `A new certificate is used by the next connection`() async throws {
        let authority = try TestAuthority()
        let (box, den) = (try authority.identity("node-box"), try authority.identity("node-den"))
        let server = try await LoneServer(PeerRouter(), tls: box)
        #expect(try await ask(endpoint(server, den, expected: "node-box")).contains("/node-den "))
        let (newBox, newDen) = (try authority.issue("node-box-2"), try authority.issue("node-den-2"))
        try box.renew(chainPEM: newBox.chain, keyPEM: newBox.key)
        try den.renew(chainPEM: newDen.chain, keyPEM: newDen.key)
        #expect(try await ask(endpoint(server, den, expected: "node-box-2")).contains("/node-den-2 "))
        #expect(await refusal(endpoint(server, den, expected: "node-box")).contains("node node-box-2, not of node-box"))
        await server.stop()
    }

    @Test func `What is no certificate with its key is refused with what to do`() throws {
        let authority = try TestAuthority()
        let (one, other) = (try authority.issue("node-box"), try authority.issue("node-den"))
        let pairs: [(String?, String?)] = [
            (one.chain, other.key), ("", one.key), (one.chain, "nonsense"), (one.chain, nil), (nil, one.key),
        ]
        for (chain, key) in pairs {
            let failure = #expect(throws: TLSIdentity.Failure.self) {
                try TLSIdentity(chainPEM: chain, keyPEM: key, verify: authority.verify)
            }
            #expect(failure?.description.contains("fix: ") == true)
        }
        let identity = try authority.identity("node-box")
        #expect(throws: TLSIdentity.Failure.self) { try identity.renew(chainPEM: one.chain, keyPEM: other.key) }
    }

    @Test func `A server without certificate does not start`() async throws {
        let authority = try TestAuthority()
        await #expect(throws: TLSIdentity.Failure.self) {
            try await LoneServer(PeerRouter(), tls: authority.identity(nil))
        }
    }

    @Test func `A plain request to a port with TLS ends promptly`() async throws {
        let authority = try TestAuthority()
        let router = PeerRouter()
        let server = try await LoneServer(router, tls: authority.identity("node-box"))
        try await onThread {
            let socket = try Socket(port: server.port)
            socket.send(RequestText.get("/"))
            #expect(!String(decoding: try socket.read(seconds: 10), as: UTF8.self).contains("nobody"))
        }
        let text = await refusal(Endpoint(host: "127.0.0.1", port: server.port))
        #expect(!text.hasPrefix("answered"))
        #expect(router.begun.load(ordering: .relaxed) == 0)
        await server.stop()
    }

    @Test func `TLS to a port with plain HTTP is said to be none`() async throws {
        let authority = try TestAuthority()
        let server = try await LoneServer(PeerRouter())
        let text = await refusal(endpoint(server, try authority.identity(nil)))
        #expect(text.contains("what answers there is not TLS"), "\(text)")
        await server.stop()
    }

    @Test func `Who never ends the handshake is not waited for`() async throws {
        let authority = try TestAuthority()
        var limits = RequestLimits()
        limits.headSeconds = 1
        let server = try await LoneServer(PeerRouter(), limits: limits, tls: authority.identity("node-box"))
        try await onThread {
            let socket = try Socket(port: server.port)
            // The beginning of a record of the handshake.
            socket.send([0x16, 3, 1])
            #expect(try socket.read(seconds: 20) == [])
        }
        await server.stop()
    }

    @Test func `A verification that does not end is given up with its connection`() async throws {
        let authority = try TestAuthority()
        let issued = try authority.issue("node-box")
        let (given, givingUp) = AsyncStream.makeStream(of: Void.self)
        let slow = try TLSIdentity(chainPEM: issued.chain, keyPEM: issued.key) { chain in
            // Ends when its task is cancelled.
            for await _ in AsyncStream<Never>.makeStream().stream {}
            givingUp.yield()
            return try await authority.verify(chain)
        }
        var limits = RequestLimits()
        limits.headSeconds = 1
        let router = PeerRouter()
        let server = try await LoneServer(router, limits: limits, tls: slow)
        let text = await refusal(endpoint(server, try authority.identity("node-den")))
        #expect(text.contains("closed by the other side") || text.contains("reset by peer"), "\(text)")
        for await _ in given { break }
        #expect(router.begun.load(ordering: .relaxed) == 0)
        await server.stop()
    }

    @Test func `Whoever connects beyond the limit is told so over TLS, handshakes counted`() async throws {
        let authority = try TestAuthority()
        var limits = RequestLimits()
        limits.connections = 1
        let server = try await LoneServer(PeerRouter(), limits: limits, tls: authority.identity("node-box"))
        // In its handshake for as long as it says nothing.
        let first = try Socket(port: server.port)
        let den = endpoint(server, try authority.identity("node-den"))
        let isFull = await eventually { (try? Socket(port: server.port)) != nil }
        #expect(isFull)
        let reply = try await HTTPProbe.ask("GET", at: den, path: "/", timeout: Self.patience)
        #expect(reply.status == 503)
        #expect(String(decoding: reply.body, as: UTF8.self).contains("overloaded"))
        first.close()
        await server.stop()
    }

    /// With curl, where the system has it: another implementation than ours, which trusts by name and authority.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl"), "there is no /usr/bin/curl"))
    func `curl is served, with TLS 1.3 and with nothing older`() async throws {
        let authority = try TestAuthority()
        let server = try await LoneServer(PeerRouter(), tls: authority.identity("node-box"))
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).pem")
        try authority.pem().write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        // Twice over one connection, then once more.
        let url = "https://localhost:\(server.port)/"
        let common = [
            "-sS", "--noproxy", "*", "--cacert", file.path, "--resolve", "localhost:\(server.port):127.0.0.1",
        ]
        let served = try await curl(common + [url, url, "--next"] + common + [url])
        #expect(served.text == String(repeating: "nobody at 127.0.0.1", count: 3))
        #expect(served.status == 0)
        let old = try await curl(common + ["--tls-max", "1.2", url])
        #expect(old.status != 0)
        await server.stop()
    }

    private func curl(_ arguments: [String]) async throws -> (status: Int32, text: String) {
        try await onThread {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/curl")
            process.arguments = arguments
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            try process.run()
            let bytes = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
        }
    }
}
