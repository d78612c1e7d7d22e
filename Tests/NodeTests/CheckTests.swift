import Cluster
import Node
import Testing

struct CheckTests {
    private static func catalog(_ ini: String) throws -> Catalog { try .parse(ini, file: "models.ini") }

    private static func yaml(_ repo: String, _ file: String) -> String {
        "models:\n  \"a\":\n    cmd: |\n      # -hf x/y -hff z.gguf\n      ${llama_server}\n      -hf \(repo)\n      -hff \(file)\n"
    }

    @Test(
        arguments: [
            (yaml("o/r", "f.gguf"), nil), (yaml("o/r", "next.gguf"), nil),
            (yaml("o/r", "other.gguf"), "o/r other.gguf"), (yaml("p/r", "f.gguf"), "p/r f.gguf"),
            ("models:\n  b:\n    cmd: |\n      -hf o/r\n      -hff other.gguf\n", nil),
            ("models:\n  a:\n    cmd: llama-server -hf o/r -hff other.gguf -c 5\n", "o/r other.gguf"),
            ("models:\n    a:\n        cmd: \"llama-server --hf-repo o/r --hf-file other.gguf\"\n", "o/r other.gguf"),
            ("macros:\n  a: -hff other.gguf\nmodels: {}\n", nil), ("", nil), ("models:\n  a:\n", nil),
        ] as [(String, String?)])
    func `a tier has drifted when the yaml runs what models.ini does not name`(yaml: String, running: String?) throws {
        let catalog = try Self.catalog("[a]\nhf_repo=o/r\nhf_file=f.gguf\nhf_file_next=next.gguf\n")
        let drift = Drift.all(catalog, yaml: SwapYAMLWeights(yaml: yaml))
        #expect(drift.map { "\($0.running.repo) \($0.running.file)" } == (running.map { [$0] } ?? []))
    }

    @Test(arguments: Fixture.inis, [false, true])
    func `what start writes has not drifted`(ini: String, next: Bool) throws {
        let catalog = try Self.catalog(Fixture.text("inis/\(ini).ini"))
        let yaml = LlamaSwapConfig(catalog: catalog, next: next, llamaServer: "/bin/llama-server").yaml
        let read = SwapYAMLWeights(yaml: yaml)
        #expect(read.tiers.keys.sorted() == catalog.localTiers.map(\.name).sorted())
        #expect(Drift.all(catalog, yaml: read) == [])
    }

    private static let shipped = ModelsINI.seed(withBedrock: false)
    private static let gibibyte = 1 << 30

    /// Totals of the shipped models in GB, with nothing downloaded: what the sizes alone say.
    @Test(arguments: [
        ("code-fast code-smart", ModelDownload.Label.current, 54.8, MemoryMath.Verdict.fitsWithLimit(mebibytes: 57344)),
        ("code-fast code-smart", .next, 59.8, .fitsWithLimit(mebibytes: 57344)),
        ("code-fast plan", .current, 17.7, .fits), ("code-fast plan-uncensored", .current, 27.8, .fits),
        ("code-fast plan plan-uncensored", .current, 40.4, .fits),
        ("code-fast plan plan-uncensored", .next, 51.4, .fits),
    ])
    func `sets on a Mac with 64 GB`(
        tiers: String, label: ModelDownload.Label, total: Double, verdict: MemoryMath.Verdict
    ) throws {
        let limit = MemoryLimit.apple(memory: 64 * Self.gibibyte, wiredLimit: 0)
        let math = MemoryMath(catalog: try Self.catalog(Self.shipped), limit: limit) { _ in nil }
        let row = try #require(math.rows.first { $0.tiers.joined(separator: " ") == tiers && $0.label == label })
        #expect((row.totalGB * 10).rounded() / 10 == total)
        #expect(row.verdict == verdict)
        #expect(math.raisedLimit == 57344)
        #expect(math.lines.contains { $0.contains("sudo sysctl iogpu.wired_limit_mb=57344") })
    }

    @Test(arguments: [
        (64, 57344, 54.8, MemoryMath.Verdict.fits), (64, 0, 51.5, .fits),
        (64, 0, 51.6, .fitsWithLimit(mebibytes: 57344)),
        (64, 0, 60.2, .tooBig), (16, 0, 12.8, .fits), (16, 0, 12.9, .tooBig),
        (128, 0, 120, .fitsWithLimit(mebibytes: 122880)),
    ])
    func `a Mac's limit`(memory: Int, wired: Int, need: Double, verdict: MemoryMath.Verdict) {
        #expect(MemoryLimit.apple(memory: memory * Self.gibibyte, wiredLimit: wired).verdict(need) == verdict)
    }

    @Test func `elsewhere there is no limit to raise`() throws {
        let limit = MemoryLimit(bytes: 24e9, kind: .graphics)
        let math = MemoryMath(catalog: try Self.catalog(Self.shipped), limit: limit) { _ in nil }
        #expect(math.rows.first?.verdict == .tooBig)
        #expect(math.raisedLimit == nil)
        #expect(!math.lines.contains { $0.contains("sysctl") })
    }

    @Test func `a measured cache is exact, and a size that is missing is said`() throws {
        let ini = """
            [DEFAULT]
            cache_type_v = f16
            [f]
            role = fast
            hf_repo = o/f
            hf_file = f.gguf
            ctx_size = 1000000
            size_gb = 2
            [c]
            role = agent
            hf_repo = o/c
            hf_file = c.gguf
            """
        let math = MemoryMath(
            catalog: try Self.catalog(ini), limit: MemoryLimit(bytes: 1e12, kind: .system)
        ) { $0.file == "f.gguf" ? GGUFHeader(keyElements: 3200, valueElements: 1000) : nil }
        let row = try #require(math.rows.first)
        // 3200 x 34/32 (q8_0) + 1000 x 2 (f16) = 5400 bytes a token
        #expect(abs(row.need.cacheGB - 5.4) < 1e-9)
        #expect(row.verdict == .unknown)
        #expect(math.lines.contains { $0.contains("size_gb is missing") })
    }

    @Test func `a GGUF's head tells the shape of its cache`() throws {
        var file = GGUFBytes()
        file.text("general.architecture", "qwen2")
        file.number("qwen2.block_count", 36)
        file.number("qwen2.embedding_length", 2048)
        file.number("qwen2.attention.head_count", 16)
        file.number("qwen2.attention.head_count_kv", 2)
        file.strings("tokenizer.ggml.tokens", ["a", "b"])
        // Qwen2.5-Coder-3B: 36 layers, 2 KV heads of 2048 / 16
        #expect(GGUFHeader(bytes: file.bytes) == GGUFHeader(keyElements: 9216, valueElements: 9216))

        var hybrid = GGUFBytes()
        hybrid.text("general.architecture", "n")
        hybrid.strings("general.tags", ["x"])
        hybrid.number("n.block_count", 48)
        hybrid.number("n.attention.head_count", 16)
        hybrid.number("n.attention.head_count_kv", 2)
        hybrid.number("n.attention.key_length", 256)
        hybrid.number("n.attention.value_length", 128)
        hybrid.number("n.full_attention_interval", 4)
        #expect(GGUFHeader(bytes: hybrid.bytes) == GGUFHeader(keyElements: 6144, valueElements: 3072))

        // A head that says nothing where it should say something.
        var empty = GGUFBytes()
        empty.text("general.architecture", "n")
        for key in ["block_count", "attention.head_count", "embedding_length"] { empty.number("n.\(key)", 64) }
        empty.numbers("n.attention.head_count_kv", [])
        #expect(GGUFHeader(bytes: empty.bytes) == nil)

        for length in 0..<hybrid.bytes.count - 1 { _ = GGUFHeader(bytes: Array(hybrid.bytes.prefix(length))) }
        #expect(GGUFHeader(bytes: Array("GGUF".utf8) + [UInt8](repeating: 0xff, count: 64)) == nil)
        #expect(GGUFHeader(bytes: []) == nil)
    }

    @Test(arguments: [
        (
            "[a]\nrole=fast\nhf_repo=o/r\nhf_file=f\n[b]\nrole=fast\nhf_repo=o/r\nhf_file=g\n",
            ["fast", "small", "autocomplete"]
        ),
        ("[a]\naliases=b\nhf_repo=o/r\nhf_file=f\n[b]\naliases=x\nhf_repo=o/r\nhf_file=g\n", ["b"]),
        ("[a]\naliases=x, x\nhf_repo=o/r\nhf_file=f\n[b]\naliases=y\nhf_repo=o/r\nhf_file=g\n", []),
        ("[a]\naliases=x\nhf_repo=o/r\nhf_file=f\n[b]\naliases=x\naws_model_id=m\n", []),
    ])
    func `an alias of two local tiers is found`(ini: String, aliases: [String]) throws {
        #expect(AliasClash.all(try Self.catalog(ini)).map(\.alias) == aliases)
    }

    @Test func `the hub's reply tells size and date, and all parts count`() throws {
        let json = """
            {"id": "o/r", "downloads": 7, "lastModified": "2026-05-01T10:00:00.000Z", "siblings": [
              {"rfilename": "a-00001-of-00002.gguf", "size": 30}, {"rfilename": "a-00002-of-00002.gguf", "size": 12},
              {"rfilename": "b.gguf", "size": 5, "lfs": {"sha256": "abc"}}]}
            """
        let model = try #require(HubModel(json: Array(json.utf8), file: "a-00001-of-00002.gguf"))
        #expect(model.fileBytes == 42 && model.changed == "2026-05-01" && model.downloads == 7)
        #expect(try #require(HubModel(json: Array(json.utf8), file: "gone.gguf")).fileBytes == nil)
        #expect(model.blobs == nil)
        #expect(try #require(HubModel(json: Array(json.utf8), file: "b.gguf")).blobs == ["abc"])
        #expect(HubModel(json: Array("<html>".utf8), file: "b.gguf") == nil)
    }

    @Test func `the report shows what the hub and the disk have`() async throws {
        let scratch = try Scratch()
        let file = "models--o--r/snapshots/abc/f.gguf"
        try scratch.put("12345", file)
        let server = try ScriptedServer { request in
            request.path.hasPrefix("/api/models/o/r?")
                ? .init(
                    body: Array(#"{"lastModified":"2026-01-02T","siblings":[{"rfilename":"f.gguf","size":5}]}"#.utf8))
                : .init(status: 404)
        }
        let catalog = try Self.catalog(
            "[a]\nhf_repo=o/r\nhf_file=f.gguf\nhf_file_next=g.gguf\nhf_repo_next=o/gone\nctx_size=64k\n")
        let environment = [
            "HF_HUB_CACHE": scratch.path, "HOME": scratch.path, "HF_ENDPOINT": server.url + "/", "HF_TOKEN": "hf_x",
        ]
        let report = await CheckReport.make(
            catalog, yaml: "models:\n  a:\n    cmd: -hf o/r -hff z.gguf\n", environment: environment)
        let text = report.text
        #expect(text.contains("here (5 B), Hugging Face: 5 B, changed 2026-01-02"))
        #expect(text.contains("not here, Hugging Face: no repository o/gone, or it needs HF_TOKEN"))
        #expect(text.contains("a                DRIFT!   f.gguf"))
        #expect(text.contains("[a] models.ini has o/r / f.gguf\n  yaml has  o/r / z.gguf\n"))
        #expect(text.contains("\nwarning: models.ini:6: ctx_size = 64k is read as 64\n  fix: "))
        #expect(!text.contains("hf_x"))
        #expect(server.requests.allSatisfy { $0.fields["authorization"] == "Bearer hf_x" })
        let json = try Value.json(report.json)
        #expect(json["warnings"]?.elements.first?["line"] != nil)
        #expect(json["drift"] != nil && json["memory"]?["limit_gb"] != nil && json["tiers"] != nil)
    }
}

/// A GGUF file's head, as ggml writes it.
private struct GGUFBytes {
    private var count = 0
    private var entries: [UInt8] = []

    var bytes: [UInt8] { Array("GGUF".utf8) + little(3, 4) + little(0, 8) + little(count, 8) + entries }

    mutating func text(_ key: String, _ value: String) { entry(key, 8, string(value)) }
    mutating func number(_ key: String, _ value: Int) { entry(key, 4, little(value, 4)) }
    mutating func numbers(_ key: String, _ values: [Int]) {
        entry(key, 9, little(4, 4) + little(values.count, 8) + values.flatMap { little($0, 4) })
    }
    mutating func strings(_ key: String, _ values: [String]) {
        entry(key, 9, little(8, 4) + little(values.count, 8) + values.flatMap(string))
    }

    private mutating func entry(_ key: String, _ type: Int, _ value: [UInt8]) {
        count += 1
        entries += string(key) + little(type, 4) + value
    }

    private func string(_ text: String) -> [UInt8] { little(text.utf8.count, 8) + Array(text.utf8) }
    private func little(_ value: Int, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}
