import Cluster
import Foundation
import Node
import Testing

struct ModelDownloadTests {
    private func catalog(_ ini: String) throws -> Catalog { try .parse(ini, file: "models.ini") }

    private func weights(_ repo: String, _ file: String) throws -> GGUF.Weights {
        try #require(ModelDownload.all(catalog("[a]\nhf_repo=\(repo)\nhf_file=\(file)\n")).first).weights
    }

    @Test func `hosted tiers have nothing to download, and a shared file is fetched once`() throws {
        let downloads = ModelDownload.all(
            try catalog(
                """
                [a]
                hf_repo = o/r
                hf_file = f.gguf
                hf_file_next = g.gguf
                [b]
                hf_repo = o/r
                hf_file = g.gguf
                [h]
                aws_model_id = m
                aws_model_id_next = n
                """))
        #expect(downloads.map(\.logName) == ["dl-a-current.log", "dl-a-next.log"])
        #expect(
            downloads[1].arguments.joined(separator: " ")
                == "-hf o/r -hff g.gguf --no-warmup -ngl 0 -c 256 -p ok -n 1")
    }

    @Test func `a tier's name leads its log nowhere else`() throws {
        let download = try #require(ModelDownload.all(try catalog("[../../x]\nhf_repo=o/r\nhf_file=f\n")).first)
        #expect(download.logName == "dl-.._.._x-current.log")
    }

    @Test(arguments: [
        ("/usr/bin/llama-completion -hf o/r -hff f.gguf --no-warmup", false, true),
        ("/bin/sh /usr/bin/llama-cli -hf o/r -hff f.gguf --no-warmup", false, true),
        ("/usr/bin/llama-completion -hf o/r -hff f.gguf --no-warmup", true, false),
        ("/usr/bin/llama-completion -hf o/r -hff g.gguf --no-warmup", false, false),
        ("/usr/bin/llama-server -hf o/r -hff f.gguf", false, false),
        ("tail -f -hf o/r -hff f.gguf", false, false),
    ])
    func `a download under way is known by its command line`(command: String, zombie: Bool, isIt: Bool) throws {
        let download = try #require(ModelDownload.all(try catalog("[a]\nhf_repo=o/r\nhf_file=f.gguf\n")).first)
        let process = ProcessFacts(
            pid: 7, parent: 1, isZombie: zombie, startTime: 1,
            arguments: command.split(separator: " ").map(String.init))
        #expect(download.isDone(by: process) == isIt)
    }

    @Test(arguments: [
        ("a.gguf", ["a.gguf"]), ("q/a-00001-of-00003.gguf", (1...3).map { "q/a-0000\($0)-of-00003.gguf" }),
        ("a-00001-of-99999.gguf", ["a-00001-of-99999.gguf"]), ("a-1-of-3.gguf", ["a-1-of-3.gguf"]),
    ])
    func `a model may come in parts`(file: String, parts: [String]) {
        #expect(WeightsCache.parts(of: file) == parts)
    }

    @Test func `weights are found in either cache, and only whole`() throws {
        let scratch = try Scratch()
        let cache = WeightsCache(environment: ["HF_HOME": "\(scratch.path)/hf", "LLAMA_CACHE": "\(scratch.path)/ll"])
        let weights = try self.weights("o/r", "d/x-00001-of-00002.gguf")
        #expect(cache.find(weights) == nil)
        try scratch.put("123", "hf/hub/models--o--r/snapshots/s/d/x-00001-of-00002.gguf")
        try scratch.put("1234567", "hf/hub/models--o--r/blobs/abc.incomplete")
        #expect(cache.find(weights) == nil)
        #expect(cache.arrived(weights) == 7)
        try scratch.put("4567", "hf/hub/models--o--r/snapshots/s/d/x-00002-of-00002.gguf")
        #expect(cache.find(weights)?.bytes == 7)
        let other = try self.weights("o/r", "y.gguf")
        try scratch.put("12", "ll/o_r_y.gguf.downloadInProgress")
        #expect(cache.find(other) == nil)
        try scratch.put("12", "ll/o_r_y.gguf")
        #expect(cache.find(other)?.path == "\(scratch.path)/ll/o_r_y.gguf")
    }

    @Test func `two files of one repository are told apart by the names of their blobs, or not at all`() throws {
        let scratch = try Scratch()
        let cache = WeightsCache(environment: ["HF_HOME": "\(scratch.path)/hf", "LLAMA_CACHE": "\(scratch.path)/ll"])
        let weights = try self.weights("o/r", "x.gguf")
        try scratch.put("123", "hf/hub/models--o--r/blobs/abc.downloadInProgress")
        try scratch.put("12", "ll/models--o--r/blobs/def.downloadInProgress")
        try scratch.put("1", "hf/hub/models--o--r/blobs/abcdef")
        #expect(cache.arrived(weights, blobs: ["abc"], isAlone: false) == 3)
        #expect(cache.arrived(weights, blobs: ["def"], isAlone: false) == 2)
        #expect(cache.arrived(weights, blobs: ["abcdef", "def"], isAlone: false) == 3)
        #expect(cache.arrived(weights, isAlone: true) == 5)
        #expect(cache.arrived(weights, isAlone: false) == nil)
        try scratch.put("1234567", "ll/models--o--r/snapshots/s/x.gguf")
        #expect(cache.find(weights)?.bytes == 7)
    }

    private struct Silence: Console {
        func say(_ line: String) {}
        func warn(_ text: String) {}
        func waiting(for what: String, seconds: Double) {}
    }

    @Test(arguments: [0, 3])
    func `waiting ends with the downloads, and tells which failed`(code: Int) async throws {
        let project = try ScratchProject()
        try project.write("#!/bin/sh\necho \"token=$HF_TOKEN args=$*\"\nexit \(code)\n", "llama-completion")
        chmod("\(project.work.state)/llama-completion", 0o755)
        let downloader = ModelDownloader(
            work: project.work,
            environment: [
                "PATH": project.work.state, "HOME": project.work.path, "HF_TOKEN": "hf_x",
                "HF_ENDPOINT": "http://127.0.0.1:1",
            ],
            table: SystemProcessTable(), console: Silence())
        let name = UUID().uuidString
        let running = try downloader.start(try catalog("[a]\nhf_repo=o/\(name)\nhf_file=f.gguf\n"))
        #expect(running.count == 1)
        if code == 0 {
            try await downloader.wait(for: running)
        } else {
            let failure = await #expect(throws: StackFailure.self) { try await downloader.wait(for: running) }
            #expect(failure?.problem == "not fetched: a (f.gguf); exit code 3")
        }
        let log = try String(contentsOfFile: "\(project.work.logs)/dl-a-current.log", encoding: .utf8)
        #expect(log == "token=hf_x args=-hf o/\(name) -hff f.gguf --no-warmup -ngl 0 -c 256 -p ok -n 1\n")
    }
}
