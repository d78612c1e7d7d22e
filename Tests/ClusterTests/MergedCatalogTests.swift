import Cluster
import Testing

struct MergedCatalogTests {
    private static let keys = "hf_repo = a/b\nhf_file = c\n"
    private static let own = "; mine\n[DEFAULT]\nttl = 5\n[mine]\naliases = m\n\(keys)[NODE]\nname = desk"

    private func lent(_ name: String, _ text: String) throws -> LentFile {
        try LentFile(node: NodeID("\(name)0000"), name: name, text: text)
    }

    /// By name; the line of a section is where it happens to stand.
    private func tiers(_ text: String) throws -> [String: Tier] {
        var tiers: [String: Tier] = [:]
        for var tier in try Catalog.parse(text, file: "models.ini").tiers {
            tier.line = 0
            tiers[tier.name] = tier
        }
        return tiers
    }

    // MARK: Whatever the defaults

    private static let defaults = [
        "", "role = plan", "ctx_size = 4096\nsampler = temp=0.5, top_k=3", "aws_region = eu-west-1\naws_profile = p",
        "aliases = a1, a2", "description = one\n  two\n\n  [three]", "hf_repo = x/y\nhf_file = z.gguf",
        "backend = bedrock\naws_model_id = m", "ttl = 7\nsize_gb = 3\nquant = Q4\nhf_file_next = n.gguf",
        "quant =;odd\ntier =;  label # data", "host = 1.2.3.4\nthreads = 4\nn_gpu_layers = 1", "role =\nctx_size =",
        "rope_scaling = yarn(scale=4, orig_ctx=32)", "backend = gguf", "aws_region = $REGION\naws_profile = x${P}y",
        "aws_region_next = us-1\naws_model_id_next = n\naws_endpoint_url = http://h", "unknown = thing",
    ]

    private static let sections = [
        keys, "aws_model_id = m\n", "\(keys)role = plan\naliases =\nctx_size = 1\n",
        "    hf_repo = a/b\n    hf_file = c\n    description = deep\n        deeper\n",
        "\(keys)ttl = 9\nsampler = top_p=0.1\n  temp=0.2\nquant = Q8\n# a comment\n\nsize_gb = 4 ; GB\n\n; about the next\n",
        "aws_model_id = m\naws_region = $REGION\n  more\naws_profile = literal\naws_endpoint_url = http://$HOST\n",
        "HF_Repo: a/b\nHF_FILE: c\ndescription = a [b] = c ;no\n",
    ]

    @Test(arguments: defaults)
    func `A tier means the same in the merged file as in its own, under any defaults`(_ readers: String) throws {
        var compared = 0
        for theirs in Self.defaults {
            for (index, section) in Self.sections.enumerated() {
                for end in ["\n", "\r\n"] {
                    let text = "[DEFAULT]\n\(theirs)\n[t]\n\(section)[notes]\nx = 1\n[DEFAULT]\nsize_gb_next = 2\n"
                        .replacing("\n", with: end)
                    // What is at fault in its own file is nothing here.
                    guard let expected = try? tiers(text), let tier = expected["t"] else { continue }
                    let own = "[DEFAULT]\n\(readers)\n[mine]\naliases = m\n\(Self.keys)"
                    let merged = MergedCatalog.text(own: own, others: [try lent("studio", text)])
                    #expect(merged.hasPrefix(own))
                    let read = try tiers(merged)
                    for (name, tier) in expected { #expect(read[name] == tier, "\(index) \(theirs)\n\(merged)") }
                    #expect(try read["mine"] == tiers(own)["mine"])
                    #expect(read.count == 1 + expected.count)
                    // Nothing of this host's gets into it.
                    let here = try Catalog.parse(merged, file: "models.ini") { _ in "here" }
                    #expect(here.tier(named: "t").map(Self.hosted) == Self.hosted(tier))
                    compared += 1
                }
            }
        }
        #expect(compared > 150)
    }

    private static func hosted(_ tier: Tier) -> Bedrock? {
        if case .bedrock(let bedrock) = tier.backend { bedrock } else { nil }
    }

    // MARK: Whose is what

    @Test func `The own file stays as it is, and the tiers of others follow with their hosts`() throws {
        let file =
            "[DEFAULT]\nttl = 9\n[ROUTING]\nmulti_turn = 1\n[a]\n\(Self.keys); gone\n[mine]\nrole = fast\n\(Self.keys)[m]\n\(Self.keys)"
        let merged = MergedCatalog.text(
            own: Self.own,
            others: [try lent("studio", file), try lent("box", "[a]\nquant = Q4\n\(Self.keys)[b]\n\(Self.keys)")])
        #expect(
            merged == """
                \(Self.own)

                ; served by box, studio
                [a]
                quant = Q4
                \(Self.keys)ttl =

                ; served by box
                [b]
                \(Self.keys)ttl =

                """)
        let sections = try Catalog.parse(merged, file: "models.ini").sections
        #expect(sections.map(\.name) == ["mine", "a", "b"])
        #expect(sections.map(\.isBorrowed) == [false, true, true])
    }

    @Test(
        "A name that is taken is left out, the rest of the aliases stays",
        arguments: [
            ("aliases = x, m, y", "x,y"), ("aliases = m", "t"), ("aliases = m, mine,\n  auto", "t"),
            ("role = plan", "plan,planner,chat"), ("role = fast", "fast,autocomplete"), ("aliases = t, x", "t,x"),
            ("aliases = ;q,m", ""), ("aliases =;q,m,z", ";q,z"), ("aliases = other, x", "x"),
        ])
    func aliases(_ line: String, _ left: String) throws {
        let own = "[mine]\naliases = m, small\n\(Self.keys)"
        let file = "[t]\n\(line)\n\(Self.keys)[other]\naliases = o\n\(Self.keys)"
        let merged = MergedCatalog.text(own: own, others: [try lent("studio", file)])
        let catalog = try Catalog.parse(merged, file: "models.ini")
        #expect(catalog.tier(named: "t")?.effectiveAliases.joined(separator: ",") == left)
        #expect(catalog.tier(named: "m")?.name == "mine" && catalog.tier(named: "other")?.name == "other")
    }

    @Test func `The same nodes give the same text, in whatever order they are named`() throws {
        let files = try [
            lent("b", "[t]\nquant = B\naliases = one\n\(Self.keys)"),
            lent("a", "[u]\naliases = one\n\(Self.keys)[t]\nquant = A\n\(Self.keys)"),
            lent("c", "[t]\nquant = C\n\(Self.keys)"),
        ]
        let merged = MergedCatalog.text(own: Self.own, others: files)
        #expect(merged.contains("; served by a, b, c\n[t]\nquant = A\n"))
        #expect(merged == MergedCatalog.text(own: Self.own, others: files.reversed()))
        // What a file no longer lends is not shown, and what two nodes of one name lend is theirs.
        #expect(!MergedCatalog.text(own: Self.own, others: files.map { $0.only(["t"]) }).contains("[u]"))
        let twins = try ["x1", "x2"].map {
            try LentFile(node: NodeID($0), name: "twin", text: "[t]\n\(Self.keys)")
        }
        #expect(MergedCatalog.text(own: Self.own, others: twins).contains("; served by twin\n"))
    }

    @Test(arguments: ["", "[mine]\nhello\n", "[mine]\nbackend = vllm\n", "no header", "[a]\n[a]\n"])
    func `A file that is at fault stays alone`(_ own: String) throws {
        let merged = MergedCatalog.text(own: own, others: [try lent("studio", "[t]\n\(Self.keys)")])
        #expect(own.isEmpty ? merged.contains("[t]\n") : merged == own)
        #expect(MergedCatalog.text(own: own, others: []) == own)
    }

    // MARK: Others' files are anybody's

    @Test(
        "What is no models.ini of a host in its right mind is refused as a whole",
        arguments: [
            "hello", "[t]\n[t]\n", "[t]\nbackend = vllm\n", "[t]\naws_secret_access_key = x\n\(keys)",
            "[DEFAULT]\naws_role_arn = x\n[t]\n\(keys)", "[t]\n\(keys)sampler = temp=1.2.3\n",
            "[t]\n\(keys)x = \(String(repeating: "x", count: LentFile.textLimit))",
            "[t]\n\(keys)" + String(repeating: "\n", count: LentFile.lineLimit),
            "[NODE]\nshare = nothing\n[t]\n\(keys)",
        ])
    func refused(_ text: String) {
        #expect(throws: CatalogError.self) { try lent("studio", text) }
    }

    @Test(
        "What cannot be shown, or takes what is ours, is left out without the rest",
        arguments: [
            "[bad\u{1b}[2J]\n\(keys)", "[bad]\n\(keys)description = \u{1b}]0;x\u{7}\n",
            "[bad]\n\(keys)# \u{9b}31m\n\(keys2)",
            "[bad]\n\(keys)description = \u{202e}txt\n", "[bad]\n\(keys)x = \u{2028}[mine]\n", "[bad,er]\n\(keys)",
            "[ bad]\n\(keys)", "[auto]\n\(keys)", "[mine]\n\(keys)", "[m]\n\(keys)", "[bad]\nnotes = 1\n",
            "[ROUTING]\nfast_model = bad\n", "[NODE]\nname = bad\nshare = good\n",
            "[bad]\n\(keys)description = \u{0}\n",
        ])
    func leftOut(_ section: String) throws {
        let merged = MergedCatalog.text(
            own: Self.own, others: [try lent("studio\u{1b}[2J\n[x]", "\(section)[good]\n\(Self.keys)")])
        let catalog = try Catalog.parse(merged, file: "models.ini")
        #expect(catalog.sections.map(\.name) == ["mine", "good"])
        #expect(catalog.node.name == "desk" && catalog.routing == RoutingSection())
        #expect(merged.contains("\n; served by studio[2J[x]\n[good]\n"))
        #expect(merged.unicodeScalars.allSatisfy { $0.isPrintable || $0 == "\n" })
    }

    private static let keys2 = "ttl = 1\n"

    @Test func `An unprintable default leaves out whoever inherits it`() throws {
        let file = try lent("studio", "[DEFAULT]\nquant = \u{7}\n[bad]\n\(Self.keys)[good]\nquant = Q4\n\(Self.keys)")
        #expect(file.tiers.map(\.tier.name) == ["good"])
    }

    @Test func `However much others lend, the whole stays small enough to be taken`() throws {
        let long = "description = \(String(repeating: "d", count: 15_000))"
        let many = (0..<300).map { "[t\($0)]\nhf_repo=a/b\nhf_file=c\n" }.joined()
        let inherited = try lent("a", "[DEFAULT]\n\(long)\n" + many)
        let large = "[DEFAULT]\nx = \(String(repeating: "x", count: LentFile.sectionLimit))\n[t]\n\(Self.keys)"
        #expect(try lent("a", large).tiers.isEmpty)
        let small = try lent("b", (300..<600).map { "[t\($0)]\nhf_repo=a/b\nhf_file=c\n" }.joined())
        let merged = MergedCatalog.text(own: Self.own, others: [inherited, small])
        #expect(merged.utf8.count <= MergedCatalog.textLimit + Self.own.utf8.count + 1)
        let manyMerged = MergedCatalog.text(own: Self.own, others: [try lent("a", many), small])
        #expect(try Catalog.parse(manyMerged, file: "models.ini").tiers.count == 1 + MergedCatalog.tierLimit)
    }
}
