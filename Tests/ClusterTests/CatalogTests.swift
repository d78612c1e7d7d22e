import Cluster
import Testing

struct CatalogTests {
    private func parse(_ text: String, _ environment: [String: String] = [:]) throws -> Catalog {
        try Catalog.parse(text, file: "models.ini") { environment[$0] }
    }

    private func tier(_ keys: String, _ environment: [String: String] = [:]) throws -> Tier {
        try #require(try parse("[t]\n" + keys, environment).tiers.first)
    }

    @Test(arguments: [("64k", 64), ("131_072", 131), ("about 65536, or 10", 65536), ("none", 0), ("", 0), ("0x10", 0)])
    func aContextSizeIsItsFirstRunOfDigits(_ text: String, _ size: Int) throws {
        #expect(try tier("hf_repo = a/b\nhf_file = c\nctx_size = \(text)").contextSize == size)
    }

    @Test(arguments: [
        ("aws_model_id = m", true), ("hf_repo = a/b\nhf_file = c", false),
        ("hf_repo = a/b\nhf_file = c\naws_model_id = m", true),
        ("backend = gguf\nhf_repo = a/b\nhf_file = c\naws_model_id = m", false),
        ("backend = bedrock\naws_model_id = m", true),
    ])
    func theBackendFollowsFromTheKeys(_ keys: String, _ hosted: Bool) throws {
        #expect(try tier(keys).isHosted == hosted)
    }

    @Test func sectionsWithoutABackendAreNoTiers() throws {
        let catalog = try parse("[notes]\ntext = x\n[ROUTING]\nhf_repo = a/b\nhf_file = c\n[half]\nhf_repo = a/b")
        #expect(catalog.tiers.isEmpty)
        #expect(catalog.sections.map(\.name) == ["notes", "half"])
    }

    @Test(arguments: [
        ("backend = vllm\nhf_repo = a/b\nhf_file = c", 2, "vllm"), ("backend = bedrock", 2, "names no model"),
        ("backend = gguf\nhf_repo = a/b", 2, "names no weights"),
        ("role = fast\naws_access_key_id = AKIA", 3, "aws_access_key_id"),
        ("aws_secret_access_key = x", 2, "credentials"),
        ("aws_session_token = x", 2, "credentials"), ("aws_role_arn = x", 2, "credentials"),
        ("aws_role_session_name = x", 2, "credentials"),
        ("hf_repo = a/b\nhf_file = c\nsampler = temp=0.5, top_p=1.2.3", 4, "1.2.3"),
    ])
    func aFaultNamesItsLine(_ keys: String, _ line: Int, _ words: String) {
        let error = #expect(throws: CatalogError.self) { try parse("[t]\n" + keys) }
        #expect(error?.line == line)
        #expect(error?.problem.contains(words) == true, "\(error?.problem ?? "")")
    }

    @Test(arguments: [
        ("router_port = 1", true), ("router_port = 65535", true), ("router_port =", true), ("host = ::1", true),
        ("host = [fd00::5]", true), ("host = box.local", true), ("router_port = abc", false),
        ("router_port = 0", false), ("router_port = 99999", false), ("router_port = -1", false),
        ("router_port = +80", false), ("host = foo bar", false), ("host = http://box", false), ("host = box:80", false),
    ])
    func theRoutersPlaceMakesAnAddress(_ line: String, _ isGood: Bool) throws {
        do {
            _ = try parse("[DEFAULT]\n\n\(line)")
            #expect(isGood)
        } catch let error as CatalogError {
            #expect(!isGood && error.line == 3, "\(error)")
        }
    }

    @Test(
        arguments: [
            ("[t]\nhf_repo = a/b\nhf_file = c\nrole = agnet", 4, "role = agnet"),
            ("[t]\nhf_repo = a/b\nhf_file = c\nrole = Fast", 4, "role = Fast"),
            ("[t]\nhf_repo = a/b\nhf_file = c\nrole = coder", 4, "role = coder"),
            ("[t]\nhf_repo = a/b\nhf_file = c\nrole = embed", nil, ""),
            ("[t]\nhf_repo = a/b\nhf_file = c\nctx_size = 64k", 4, "ctx_size = 64k is read as 64"),
            ("[t]\nhf_repo = a/b\nhf_file = c\nctx_size = 64000 # tokens", nil, ""),
            ("[t]\nhf_repo = a/b\nhf_file = c\nsize_gb = big", 4, "left out"),
            ("[t]\nhf_repo = a/b\nhf_file = c\nsize_gb = 9,2", 4, "is read as 9.0"),
            ("[t]\nhf_repo = a/b\nhf_file = c\nsize_gb = .5", nil, ""),
            ("[DEFAULT]\nctx_size = 4k\n[t]\nhf_repo = a/b\nhf_file = c", 2, "is read as 4"),
            ("[t]\nrole = fast\nhf_repo = a/b", 1, "no hf_file"), ("[t]\nhf_file = a", 1, "no hf_repo"),
            ("[t]\nrole = fast", 1, "names no model"),
            ("[ROUTING]\nhigh_fidelity_ceiling = 12,000", 2, "is read as 12"),
            ("[ROUTING]\nmulti_turn = -6", 2, "is read as 6"), ("[ROUTING]\nmulti_turn = 6", nil, ""),
            ("[ROUTING]\nmultiturn = 6", 2, "knows no key"), ("[ROUTING]\nfast_model = t", 2, "no tier"),
            ("[ROUTING]\nfast_model = x\n[t]\naliases = x\nhf_repo = a/b\nhf_file = c", nil, ""),
        ] as [(String, Int?, String)])
    func whatIsHardlyMeantAsItIsReadIsNamed(_ text: String, _ line: Int?, _ words: String) throws {
        let doubts = try parse(text).doubts
        #expect(doubts.compactMap(\.line) == (line.map { [$0] } ?? []), "\(doubts)")
        #expect(doubts.allSatisfy { $0.problem.contains(words) && !$0.fix.isEmpty }, "\(doubts)")
    }

    @Test func aWrongNumberIsAnsweredWithOneThatMakesSense() {
        let error = #expect(throws: CatalogError.self) { try parse("[ROUTING]\nmulti_turn = x") }
        #expect(error?.fix.contains("multi_turn = 6") == true)
        let variable = #expect(throws: Ladder.Settings.Invalid.self) {
            try Ladder.Settings(routing: RoutingSection()) { $0 == "ROUTER_MULTI_TURN" ? "x" : nil }
        }
        #expect(variable?.description.contains("ROUTER_MULTI_TURN=6") == true)
    }

    @Test func credentialsAreRefusedInEverySection() {
        for section in ["DEFAULT", "ROUTING", "notes"] {
            #expect(throws: CatalogError.self) { try parse("[\(section)]\nAWS_Access_Key_ID = x") }
        }
    }

    @Test(
        arguments: [
            ("$R", ["R": "eu-west-1"], "eu-west-1"), ("${R}", ["R": "eu-west-1"], "eu-west-1"), ("$R", [:], nil),
            ("eu-$R-1", ["R": "west"], "eu-west-1"), ("a${R}b$S", ["R": "1", "S": "2"], "a1b2"),
            ("cost$", [:], "cost$"),
            ("${R", ["R": "x"], "${R"), ("", [:], nil),
        ] as [(String, [String: String], String?)])
    func regionsTakeEnvironmentVariables(_ text: String, _ environment: [String: String], _ region: String?) throws {
        guard case .bedrock(let bedrock) = try tier("aws_model_id = $R\naws_region = \(text)", environment).backend
        else {
            Issue.record("not hosted")
            return
        }
        #expect(bedrock.region == region)
        #expect(bedrock.modelID == "$R")
    }

    @Test func whatIsQueuedTakesTheRestFromCurrent() throws {
        let tier = try tier(
            "hf_repo = a/b\nhf_file = c\nsize_gb = 45\nquant = Q4\nhf_file_next = d\nsize_gb_next = ~50.5 GB")
        guard case .gguf(let gguf) = tier.backend else {
            Issue.record("not local")
            return
        }
        let next = try #require(gguf.next)
        #expect([next.repo, next.file, next.quant] == ["a/b", "d", "Q4"])
        #expect(next.sizeGB == 50.5)
        #expect(tier.hasNext)
        #expect(gguf.weights(next: false).file == "c")
    }

    @Test func samplersAndRopeScalingAreRead() throws {
        let tier = try tier(
            "hf_repo = a/b\nhf_file = c\nsampler = temp=1, top_k=20.9, top_p=.5, other=3\nrope_scaling = yarn (scale=4, orig_ctx=32768)"
        )
        #expect(tier.sampler.temperature == 1)
        #expect(tier.sampler.topK == 20.9)
        #expect(tier.sampler.topP == 0.5)
        #expect(tier.sampler.minP == nil)
        guard case .gguf(let gguf) = tier.backend else {
            Issue.record("not local")
            return
        }
        #expect(gguf.rope?.method == "yarn")
        #expect(gguf.rope?.scale == "4")
        #expect(gguf.rope?.originalContext == "32768")
    }

    @Test func aliasesFollowTheRoleUnlessListed() throws {
        let catalog = try parse(
            "[x]\nrole = agent\nhf_repo = a\nhf_file = b\n[y]\nrole = agent\nhf_repo = a\nhf_file = b\naliases = one, ,two ,"
        )
        #expect(catalog.tiers.map(\.effectiveAliases) == [["agent", "smart", "code", "coder"], ["one", "two"]])
        #expect(catalog.tier(named: "coder")?.name == "x")
        #expect(catalog.tier(named: "two")?.name == "y")
        #expect(catalog.tier(named: "three") == nil)
    }

    @Test func routingIsRead() throws {
        let routing = try parse(
            "[ROUTING]\nhigh_fidelity_ceiling = 9000\nmulti_turn = 4\nplan_model = think\nplan_phrases = sketch, lay out the|a plan\n  entwirf"
        )
        .routing
        #expect(routing.highFidelityCeiling == 9000)
        #expect(routing.midFidelityCeiling == nil)
        #expect(routing.multiTurn == 4)
        #expect(routing.planModel == "think")
        #expect(routing.planPhrases.map(\.text) == ["sketch", "lay out the|a plan", "entwirf"])
    }

    @Test(arguments: [
        ("plan_phrases = ok, [the] end", "plan_phrases"), ("agent_phrases = a||b", "|"),
        ("multi_turn = many", "no number"),
        ("plan_phrases = [a", "["),
    ])
    func badRoutingNamesItsLine(_ line: String, _ words: String) {
        let error = #expect(throws: CatalogError.self) { try parse("[ROUTING]\n\n\(line)") }
        #expect(error?.line == 3)
        #expect(error?.problem.contains(words) == true, "\(error?.problem ?? "")")
    }
}
