import Foundation
import Node
import Synchronization
import Testing

struct TransferTests {
    private static let body = ServedFile.bytes(300_000)

    private func download(_ url: String, _ scratch: Scratch, sha256: String? = nil) -> FileDownload {
        var download = FileDownload(url, to: "\(scratch.path)/file", sha256: sha256)
        download.pause = { _ in }
        return download
    }

    private func bytes(_ scratch: Scratch, _ name: String = "file") -> [UInt8]? {
        FileManager.default.contents(atPath: "\(scratch.path)/\(name)").map { [UInt8]($0) }
    }

    /// The failure, where there is one.
    private func failure(_ download: FileDownload) async -> DownloadFailure? {
        do {
            try await download.run()
            return nil
        } catch { return error }
    }

    @Test func `a download that is cut twice goes on where it was`() async throws {
        let file = ServedFile(body: Self.body)
        let server = try ScriptedServer { file.reply(to: $0, sent: $0.attempt < 3 ? 100_000 : nil) }
        let scratch = try Scratch()
        try await download("\(server.url)/f", scratch).run()
        #expect(bytes(scratch) == Self.body)
        #expect(server.requests.map(\.offset) == [nil, 100_000, 200_000])
        #expect(server.requests.map { $0.fields["if-range"] } == [nil, "\"one\"", "\"one\""])
        #expect(scratch.files == ["file"])
    }

    @Test func `what an earlier process left is gone on from`() async throws {
        let file = ServedFile(body: Self.body, validator: "Last-Modified: Tue, 24 Nov 2026 08:00:00 GMT")
        let server = try ScriptedServer { file.reply(to: $0, sent: $0.attempt == 1 ? 120_000 : nil) }
        let scratch = try Scratch()
        var first = download("\(server.url)/f", scratch)
        first.patience = 1
        let failure = await failure(first)
        #expect(failure?.description.contains("(120.0 kB kept)") == true)
        #expect(bytes(scratch) == nil)
        try await download("\(server.url)/f", scratch).run()
        #expect(bytes(scratch) == Self.body)
        #expect(server.requests.map(\.offset) == [nil, 120_000])
    }

    @Test func `a file that changes between two attempts is fetched from its beginning`() async throws {
        let old = ServedFile(body: ServedFile.bytes(300_000, seed: 2), validator: "ETag: \"old\"")
        let new = ServedFile(body: Self.body, validator: "ETag: \"new\"")
        let server = try ScriptedServer { $0.attempt == 1 ? old.reply(to: $0, sent: 99_999) : new.reply(to: $0) }
        let scratch = try Scratch()
        try await download("\(server.url)/f", scratch).run()
        #expect(bytes(scratch) == Self.body)
    }

    @Test func `the rest of another file is not taken, even from a server that ignores If-Range`() async throws {
        let old = ServedFile(body: ServedFile.bytes(300_000, seed: 2), validator: "ETag: \"old\"")
        let new = ServedFile(body: Self.body, validator: "ETag: \"new\"")
        let server = try ScriptedServer { request in
            var careless = request
            careless.fields["if-range"] = nil
            return request.attempt == 1 ? old.reply(to: request, sent: 99_999) : new.reply(to: careless)
        }
        let scratch = try Scratch()
        try await download("\(server.url)/f", scratch).run()
        #expect(bytes(scratch) == Self.body)
    }

    @Test(arguments: [nil, "ETag: W/\"weak\""])
    func `without a strong validator nothing is put together`(validator: String?) async throws {
        let file = ServedFile(body: Self.body, validator: validator)
        let server = try ScriptedServer { file.reply(to: $0, sent: $0.attempt == 1 ? 100_000 : nil) }
        let scratch = try Scratch()
        try await download("\(server.url)/f", scratch).run()
        #expect(bytes(scratch) == Self.body)
        #expect(server.requests.map(\.offset) == [nil, nil])
    }

    @Test func `redirects are followed, a circle of them is not`() async throws {
        let file = ServedFile(body: Self.body)
        let server = try ScriptedServer { request in
            switch request.path {
            case "/a": .init(status: 302, fields: ["Location: /b"])
            case "/b": file.reply(to: request, sent: request.attempt == 1 ? 10 : nil)
            default: .init(status: 302, fields: ["Location: /circle"])
            }
        }
        let scratch = try Scratch()
        try await download("\(server.url)/a", scratch).run()
        #expect(bytes(scratch) == Self.body)
        guard case .network(_, let failure, _)? = await failure(download("\(server.url)/circle", scratch)) else {
            Issue.record("no failure")
            return
        }
        #expect(failure.kind == .redirects)
        #expect(bytes(scratch) == Self.body, "the file from before is as it was")
    }

    @Test func `a length that is a lie gives no file`() async throws {
        let server = try ScriptedServer { _ in
            .init(fields: ["ETag: \"x\""], body: Self.body, claimedLength: 299_999)
        }
        let scratch = try Scratch()
        let sha256 = try digest(Self.body, scratch)
        guard case .checksum? = await failure(download("\(server.url)/f", scratch, sha256: sha256)) else {
            Issue.record("no checksum failure")
            return
        }
        #expect(scratch.files == ["whole"])
    }

    @Test func `a file with another checksum is deleted`() async throws {
        let file = ServedFile(body: Self.body)
        let server = try ScriptedServer { file.reply(to: $0) }
        let scratch = try Scratch()
        let wrong = String(repeating: "0", count: 64)
        let failure = await failure(download("\(server.url)/f", scratch, sha256: wrong))
        #expect(failure?.description.contains("wrong checksum") == true)
        #expect(scratch.files == [])
        try await download("\(server.url)/f", scratch, sha256: digest(Self.body, scratch).uppercased()).run()
        #expect(bytes(scratch) == Self.body)
    }

    @Test func `a checksum that only a joined file fails is given a second chance`() async throws {
        // The same validator for other bytes, which should not be, and is.
        let old = ServedFile(body: ServedFile.bytes(300_000, seed: 2))
        let new = ServedFile(body: Self.body)
        let server = try ScriptedServer { $0.attempt == 1 ? old.reply(to: $0, sent: 1000) : new.reply(to: $0) }
        let scratch = try Scratch()
        let sha256 = try digest(Self.body, scratch)
        try await download("\(server.url)/f", scratch, sha256: sha256).run()
        #expect(bytes(scratch) == Self.body)
        #expect(server.requests.map(\.offset) == [nil, 1000, nil])
    }

    private func digest(_ bytes: [UInt8], _ scratch: Scratch) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(scratch.path)/whole"))
        return try FileDigest.sha256("\(scratch.path)/whole")
    }

    @Test func `a digest is that of the published example`() throws {
        let scratch = try Scratch()
        // FIPS 180-2, appendix B.1.
        #expect(
            try digest(Array("abc".utf8), scratch)
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test(arguments: [(404, 1), (403, 1), (503, 4), (429, 4)])
    func `a status is tried again only where that may help`(status: Int, requests: Int) async throws {
        let server = try ScriptedServer { _ in .init(status: status, body: Array("no".utf8)) }
        let scratch = try Scratch()
        let failure = await failure(download("\(server.url)/f", scratch))
        #expect(failure == .status(url: "\(server.url)/f", status))
        #expect(server.requests.count == requests)
        #expect(bytes(scratch) == nil)
    }

    @Test func `a server that recovers is enough`() async throws {
        let file = ServedFile(body: Self.body)
        let server = try ScriptedServer { $0.attempt < 4 ? .init(status: 503) : file.reply(to: $0) }
        let scratch = try Scratch()
        try await download("\(server.url)/f", scratch).run()
        #expect(bytes(scratch) == Self.body)
    }

    @Test func `nobody there is said with what to do`() async throws {
        let scratch = try Scratch()
        let url = "http://127.0.0.1:\(LoopbackListener.nobodysPort)/f"
        let failure = await failure(download(url, scratch))
        let lines = failure?.description.split(separator: "\n") ?? []
        #expect(lines.count == 2)
        #expect(lines.last?.hasPrefix("  fix: check the network") == true)
    }

    @Test func `a proxy that refuses is named as what is wrong`() async throws {
        let proxy = try ScriptedServer { _ in .init(status: 407) }
        let scratch = try Scratch()
        // The environment of the tests is not theirs to change, so a process of its own has the proxy.
        let program = Bundle.module.bundleURL.deletingLastPathComponent().appendingPathComponent("llmstack").path
        let environment = [
            "HOME": scratch.path, "LLMSTACK_WORK_DIR": scratch.path, "HTTPS_PROXY": proxy.url,
            "LLAMA_SWAP_VERSION": "v211",
        ]
        let run = await ShortCommand(program, ["install-llama-swap"], environment: environment).run()
        #expect(run?.exit == .exited(1))
        #expect(
            run?.output.hasSuffix(
                "\n  fix: check HTTPS_PROXY and HTTP_PROXY: the address, and user and password in it\n") == true)
    }

    @Test func `only http and https are spoken`() async throws {
        let scratch = try Scratch()
        try scratch.put("secret", "local")
        guard case .network(_, let failure, _)? = await failure(download("file://\(scratch.path)/local", scratch))
        else {
            Issue.record("no failure")
            return
        }
        #expect(failure.kind == .badAddress)
        #expect(bytes(scratch) == nil)
    }

    private final class Seen: Sendable {
        let count = Atomic<Int64>(0)
    }

    @Test func `a cancelled download keeps what has arrived`() async throws {
        let file = ServedFile(body: Self.body)
        let server = try ScriptedServer {
            file.reply(to: $0, sent: $0.attempt == 1 ? 50_000 : nil, hangs: $0.attempt == 1)
        }
        let scratch = try Scratch()
        let download = download("\(server.url)/f", scratch)
        let seen = Seen()
        try await withThrowingTaskGroup(of: DownloadFailure?.self) { group in
            group.addTask {
                do throws(DownloadFailure) {
                    try await download.run { here, _ in seen.count.store(here, ordering: .relaxed) }
                    return nil
                } catch { return error }
            }
            #expect(await eventually { seen.count.load(ordering: .relaxed) == 50_000 })
            group.cancelAll()
            let failure = try await group.next() ?? nil
            #expect(failure == .stopped(part: "\(scratch.path)/file.part", kept: 50_000))
        }
        #expect(bytes(scratch) == nil)
        try await download.run()
        #expect(bytes(scratch) == Self.body)
        #expect(server.requests.last?.offset == 50_000)
    }

    @Test func `two at one file do not mix`() async throws {
        let scratch = try Scratch()
        let lock = try #require(FileLock.tryTaking("\(scratch.path)/file.part", creating: true))
        #expect(await failure(download("http://127.0.0.1:1/f", scratch)) == .busy("\(scratch.path)/file"))
        withExtendedLifetime(lock) {}
    }

    @Test func `a reply longer than allowed is refused`() async throws {
        let server = try ScriptedServer { _ in .init(body: Self.body) }
        let reply = try await Curl.get("\(server.url)/f", timeout: .seconds(10), limit: 300_000)
        #expect(reply.status == 200 && reply.body == Self.body)
        await #expect { try await Curl.get("\(server.url)/f", timeout: .seconds(10), limit: 299_999) } throws: {
            error in
            (error as? CurlFailure)?.kind == .tooLong
        }
    }

    struct Row: Sendable {
        var status: Int
        var fields: [String: String]
        var meaning: Resumption.Meaning
        init(_ status: Int, _ fields: [String: String], _ meaning: Resumption.Meaning) {
            self.status = status
            self.fields = fields
            self.meaning = meaning
        }
    }

    private static let origin = PartialOrigin(url: "u", validator: "\"v\"", total: 100)

    @Test(arguments: [
        Row(206, ["content-range": "bytes 40-99/100"], .rest(origin)),
        Row(206, ["content-range": "bytes 40-99/*"], .rest(origin)),
        Row(206, ["content-range": "bytes 39-99/100"], .startOver),
        Row(206, ["content-range": "bytes 40-98/99"], .startOver),
        Row(206, ["content-range": "bytes 40-99/100", "etag": "\"w\""], .startOver),
        Row(206, [:], .startOver),
        Row(416, ["content-range": "bytes */100"], .startOver),
        Row(416, ["content-range": "bytes */40"], .startOver),
        Row(404, [:], .refused(status: 404)),
        Row(
            200, ["content-length": "7", "etag": "\"w\""],
            .whole(.init(url: "u", validator: "\"w\"", total: 7), total: 7)),
        Row(200, ["etag": "W/\"w\""], .whole(nil, total: nil)),
    ])
    func `a reply to a request for the rest means`(row: Row) {
        let resumption = Resumption(url: "u", held: 40, origin: Self.origin)
        #expect(resumption.headers == ["Range: bytes=40-", "If-Range: \"v\""])
        #expect(resumption.meaning(of: .init(status: row.status, fields: row.fields)) == row.meaning)
    }

    @Test func `a partial file that is whole is complete, one of another address is of no use`() {
        let whole = Resumption(url: "u", held: 100, origin: Self.origin)
        #expect(whole.meaning(of: .init(status: 416, fields: ["content-range": "bytes */100"])) == .complete)
        for stale in [
            Resumption(url: "other", held: 40, origin: Self.origin),
            Resumption(url: "u", held: 101, origin: Self.origin),
            Resumption(url: "u", held: 40, origin: nil),
        ] {
            #expect(stale.offset == 0 && stale.headers.isEmpty)
        }
    }

    @Test func `progress says how much, how fast and how long`() {
        var bar = TransferProgress("x.gguf")
        #expect(
            bar.line(count: 0, total: 1_000_000, columns: 100, at: 0)
                == "x.gguf  [\(String(repeating: " ", count: 24))]    0%       0 B of 1.0 MB")
        #expect(bar.line(count: 1, total: 1_000_000, columns: 100, at: 0.05) == nil)
        #expect(
            bar.line(count: 500_000, total: 1_000_000, columns: 100, at: 5)
                == "x.gguf  [############            ]   50%  500.0 kB of 1.0 MB  100.0 kB/s  5 s left")
        var lines = TransferProgress("x")
        #expect(lines.line(count: 5, total: nil, columns: nil, at: 1) == "x  5 B")
        #expect(lines.line(count: 9, total: nil, columns: nil, at: 9) == nil)
        #expect(lines.line(count: 2_000_005, total: nil, columns: nil, at: 11) == "x  2.0 MB  200.0 kB/s")
    }
}
