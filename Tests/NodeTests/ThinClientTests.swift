import Cluster
import Foundation
import Node
import Testing

/// A thin client's install against routers that are there, and against all that is none.
struct ThinClientTests {
    private static let ini = "[solo]\nrole = fast\nctx_size = 4096\nhf_repo = a/b\nhf_file = c.gguf\n"

    struct Fault: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var reply: ScriptedServer.Reply
        /// What the message must say besides the URL.
        var says: String

        init(_ name: String, _ reply: ScriptedServer.Reply, says: String) {
            (testDescription, self.reply, self.says) = (name, reply, says)
        }

        init(_ name: String, _ body: String, status: Int = 200, says: String) {
            self.init(name, .init(status: status, body: Array(body.utf8)), says: says)
        }
    }

    static let faults = [
        Fault("404", "none", status: 404, says: "answers 404"), Fault("500", ini, status: 500, says: "answers 500"),
        // Not 200, though it has all that a catalog needs.
        Fault("203", ini, status: 203, says: "answers 203"),
        Fault("204", .init(status: 204), says: "answers 204"), Fault("401", "key?", status: 401, says: "answers 401"),
        Fault("empty", "", says: "no tiers"), Fault("white space only", "\n \n", says: "no tiers"),
        Fault("a comment only", "; nothing here\n", says: "no tiers"),
        Fault("a page", "<html><body>It works!</body></html>", says: "models.ini:1"),
        Fault("JSON", "{\"error\": \"no\"}", says: "models.ini:1"),
        Fault("a line that is none", "[solo]\nrole = fast\nhello\n", says: "models.ini:3"),
        Fault("a section twice", ini + ini, says: "models.ini:6"),
        Fault("credentials", ini + "aws_secret_access_key = x\n", says: "aws_secret_access_key"),
        Fault("credentials for all", "[DEFAULT]\naws_session_token = x\n" + ini, says: "aws_session_token"),
        Fault("an unknown backend", "[solo]\nbackend = vllm\n", says: "vllm"),
        Fault("no text", .init(body: [0xFF, 0xFE, 0x00]), says: "is not text"),
        Fault("cut short", .init(body: Array(ini.utf8), claimedLength: 9999), says: "cannot be reached"),
        Fault("without end", .init(body: [UInt8](repeating: 0x3B, count: 5 << 20)), says: "cannot be reached"),
        Fault("in a circle", .init(status: 302, fields: ["Location: /models.ini"]), says: "cannot be reached"),
        Fault("to a file", .init(status: 302, fields: ["Location: file:///etc/passwd"]), says: "cannot be reached"),
    ]

    @Test(arguments: faults) func `a router that is none is named, with what to do`(_ fault: Fault) async throws {
        let server = try ScriptedServer { _ in fault.reply }
        let error = await #expect(throws: RemoteCatalog.Unavailable.self) {
            try await RemoteCatalog.fetch(from: server.url)
        }
        let message = error?.description ?? ""
        #expect(message.contains(server.url) && message.contains(fault.says), "\(message)")
        #expect(message.split(separator: "\n").count == 2 && message.contains("\n  fix: "), "\(message)")
        #expect(server.requests.first?.path == "/models.ini")
    }

    @Test func `what is wrong in another host's file is quoted as text that steers no terminal`() async throws {
        let server = try ScriptedServer { _ in .init(body: Array("[plan]\nrole\u{1b}[2J\u{9b}31m\u{202e}x".utf8)) }
        let error = await #expect(throws: RemoteCatalog.Unavailable.self) {
            try await RemoteCatalog.fetch(from: server.url)
        }
        let message = error?.description ?? ""
        #expect(message.contains("[2J31mx"), "\(message)")
        #expect(message.unicodeScalars.allSatisfy { $0 == "\n" || $0.isPrintable }, "\(message)")
    }

    @Test func `a router that does not answer is waited for only so long`() async throws {
        let server = try ScriptedServer { _ in .init(body: Array(Self.ini.utf8), sent: 10, hangs: true) }
        // It never ends by itself: without the limit neither would this.
        let error = await #expect(throws: RemoteCatalog.Unavailable.self) {
            try await RemoteCatalog.fetch(from: server.url, timeout: .milliseconds(300))
        }
        #expect(error?.description.contains("cannot be reached") == true)
    }

    @Test func `a listener that ends a plain connection may want TLS`() async throws {
        let server = try ScriptedServer { _ in .init(isMute: true) }
        let error = await #expect(throws: RemoteCatalog.Unavailable.self) {
            try await RemoteCatalog.fetch(from: server.url)
        }
        let message = error?.description ?? ""
        let secure = server.url.replacing("http://", with: "https://")
        #expect(message.contains("--external \(secure) --token TOKEN"), "\(message)")
    }

    @Test func `a port where nobody listens is no router`() async throws {
        let url = "http://127.0.0.1:\(LoopbackListener.nobodysPort)"
        let error = await #expect(throws: RemoteCatalog.Unavailable.self) { try await RemoteCatalog.fetch(from: url) }
        #expect(error?.description.contains("the router at \(url) cannot be reached") == true)
    }

    @Test func `a redirect is followed, and the files are about what the router serves`() async throws {
        let server = try ScriptedServer { request in
            request.path == "/moved.ini"
                ? .init(body: Array(Self.ini.utf8)) : .init(status: 302, fields: ["Location: /moved.ini"])
        }
        let scratch = try Scratch()
        let environment = ["HOME": "\(scratch.path)/home"]
        let work = WorkDirectory(environment: environment, currentDirectory: "\(scratch.path)/project")
        let catalog = try await RemoteCatalog.fetch(from: server.url)
        let install = ProjectInstall(
            work: work, thinClientOf: server.url, catalog: catalog, environment: environment, shipped: nil)
        _ = try install.perform()
        #expect(
            scratch.files == ["AGENTS.md", "default-channel", "opencode.json"].map { "project/.llmstack/\($0)" })
        #expect(scratch.text("project/.llmstack/default-channel") == "external \(server.url)\n")
        let json = try Value.json(try #require(scratch.text("project/.llmstack/opencode.json")))
        let provider = json["provider"]?["llama.cpp"]
        #expect(provider?["options"]?["baseURL"]?.text == "\(server.url)/v1")
        #expect(provider?["models"]?.members.keys.sorted() == ["auto", "solo"])
        #expect(json["small_model"]?.text == "llama.cpp/solo")
    }
}
