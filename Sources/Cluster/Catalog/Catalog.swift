/// A models.ini, read and checked.
package struct Catalog: Equatable, Sendable {
    /// In the order of the file.
    package var tiers: [Tier] = []
    package var defaults = ServerDefaults()
    package var routing = RoutingSection()
    package var node = NodeSection()
    /// Every section but `[DEFAULT]`, `[ROUTING]` and `[NODE]`, tiers or not, in the order of the file.
    package var sections: [Section] = []
    /// What is read, as it always was, but hardly as it was meant: with the line, and what to write.
    package var doubts: [CatalogError] = []

    /// A section as opencode lists it: all of them become models there.
    package struct Section: Equatable, Sendable {
        package var name: String
        package var role: Role
        package var description: String
        /// Tokens; 0 when unknown.
        package var contextSize: Int
        /// Whether it is another node's: see ``MergedCatalog``.
        package var isBorrowed = false
    }

    package init() {}

    /// The tier of that name, else the first with that alias.
    package func tier(named name: String) -> Tier? {
        tiers.first { $0.name == name } ?? tiers.first { $0.effectiveAliases.contains(name) }
    }

    package var localTiers: [Tier] { tiers.filter { !$0.isHosted } }

    package var hostedTiers: [Tier] { tiers.filter(\.isHosted) }

    /// Reads models.ini.
    ///
    /// - Parameters:
    ///   - text: the whole file.
    ///   - file: its path, for errors.
    ///   - environment: looks up what `$NAME` and `${NAME}` in AWS regions, profiles and endpoints stand for.
    /// - Throws: ``CatalogError`` naming file, line and mend.
    package static func parse(
        _ text: String, file: String, environment: @escaping (String) -> String? = { _ in nil }
    ) throws(CatalogError) -> Catalog {
        let document = try INIDocument.parse(text, file: file)
        for section in [document.defaults] + document.sections { try refuseCredentials(section, file: file) }
        var catalog = Catalog()
        catalog.defaults = try ServerDefaults(document.defaults, file: file)
        var nodeKeys: SectionReader?
        let borrowed = MergedCatalog.borrowed(text, document)
        for section in document.sections {
            let keys = SectionReader(document: document, section: section, file: file, environment: environment)
            if section.name == NodeSection.sectionName {
                catalog.node = try NodeSection(keys)
                nodeKeys = keys
                continue
            }
            if section.name == RoutingSection.sectionName {
                catalog.routing = try RoutingSection(keys)
                continue
            }
            catalog.sections.append(
                .init(
                    name: section.name, role: Role(keys.text("role")),
                    description: keys.nonEmpty("description") ?? section.name,
                    contextSize: keys.integer("ctx_size") ?? 0, isBorrowed: borrowed.contains(section.name)))
            if let tier = try Tier(keys) { catalog.tiers.append(tier) }
        }
        if let nodeKeys { try catalog.node.check(catalog.tiers, nodeKeys) }
        catalog.doubts = catalog.findDoubts(document, file: file, borrowed: borrowed)
        return catalog
    }

    /// Keys that would put a secret, or a way round the profile, into a file meant to be committed.
    private static let credentialKeys: Set<String> = [
        "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_role_arn", "aws_role_session_name",
    ]

    private static func refuseCredentials(_ section: INIDocument.Section, file: String) throws(CatalogError) {
        guard let entry = section.entries.first(where: { credentialKeys.contains($0.key) }) else { return }
        throw CatalogError(
            file: file, line: entry.line,
            problem: "\"\(entry.key)\" in [\(section.name)]: models.ini never holds AWS credentials",
            fix: "move it into a profile in ~/.aws and name that here with aws_profile = PROFILE")
    }
}

/// One section's keys, `[DEFAULT]` behind them.
struct SectionReader {
    let document: INIDocument
    let section: INIDocument.Section
    let file: String
    let environment: (String) -> String?

    func line(_ key: String) -> Int { document.entry(key, in: section)?.line ?? section.line }

    func text(_ key: String) -> String { document.entry(key, in: section)?.value ?? "" }

    func nonEmpty(_ key: String) -> String? {
        let text = text(key)
        return text.isEmpty ? nil : text
    }

    /// The first run of digits: `64k` is 64, `131_072` is 131.
    func integer(_ key: String) -> Int? { text(key).firstInteger }

    /// The first run of digits and dots.
    func number(_ key: String) -> Double? {
        let run = text(key).drop { !$0.isNumberPart }.prefix { $0.isNumberPart }
        return Double(run)
    }

    func list(_ key: String) -> [String] {
        text(key).split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
    }

    /// The value with its environment references put in; nil when there is none, or when one of them is not set.
    func expanded(_ key: String) -> String? {
        guard let text = nonEmpty(key) else { return nil }
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            let braced = rest.first == "{"
            let name = (braced ? rest.dropFirst() : rest).prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
            }
            let end = rest.index(rest.startIndex, offsetBy: name.count + (braced ? 1 : 0))
            let closed = !braced || (end < rest.endIndex && rest[end] == "}")
            guard !name.isEmpty, closed else {
                result += "$"
                continue
            }
            guard let value = environment(String(name)), !value.isEmpty else { return nil }
            result += value
            rest = rest[(braced ? rest.index(after: end) : end)...]
        }
        result += rest
        return result.isEmpty ? nil : result
    }

    func fault(_ key: String, _ problem: String, fix: String) -> CatalogError {
        CatalogError(file: file, line: line(key), problem: problem, fix: fix)
    }
}

extension Tier {
    /// - Returns: nil when the section has no backend's keys: then it is not a tier.
    fileprivate init?(_ keys: SectionReader) throws(CatalogError) {
        guard let backend = try Backend(keys) else { return nil }
        self.backend = backend
        name = keys.section.name
        role = Role(keys.text("role"))
        label = keys.nonEmpty("tier") ?? role.name
        aliases = keys.list("aliases")
        contextSize = keys.integer("ctx_size") ?? 0
        sampler = try Sampler(keys)
        description = keys.nonEmpty("description") ?? keys.section.name
        idleSeconds = keys.integer("ttl")
        line = keys.section.line
    }
}

extension Tier.Backend {
    fileprivate init?(_ keys: SectionReader) throws(CatalogError) {
        let modelID = keys.nonEmpty("aws_model_id")
        let hasWeights = keys.nonEmpty("hf_repo") != nil && keys.nonEmpty("hf_file") != nil
        let guess = modelID != nil ? "bedrock" : hasWeights ? "gguf" : nil
        switch keys.nonEmpty("backend") ?? guess {
        case "bedrock":
            guard let modelID else {
                throw keys.fault(
                    "backend", "[\(keys.section.name)] says backend = bedrock but names no model",
                    fix: "add aws_model_id = … with the Bedrock model's id, or delete the backend line")
            }
            self = .bedrock(Bedrock(keys, modelID: modelID))
        case "gguf":
            guard hasWeights else {
                throw keys.fault(
                    "backend", "[\(keys.section.name)] says backend = gguf but names no weights",
                    fix: "add hf_repo = OWNER/NAME and hf_file = FILE.gguf")
            }
            self = .gguf(GGUF(keys))
        case nil:
            return nil
        case .some(let other):
            throw keys.fault(
                "backend", "unknown backend \"\(other)\" in [\(keys.section.name)]",
                fix: "write backend = gguf or backend = bedrock, or delete the line: the other keys tell")
        }
    }
}

extension GGUF {
    fileprivate init(_ keys: SectionReader) {
        current = Weights(
            repo: keys.text("hf_repo"), file: keys.text("hf_file"), sizeGB: keys.number("size_gb") ?? 0,
            quant: keys.text("quant"))
        if let file = keys.nonEmpty("hf_file_next") {
            next = Weights(
                repo: keys.nonEmpty("hf_repo_next") ?? current.repo, file: file,
                sizeGB: keys.number("size_gb_next") ?? current.sizeGB,
                quant: keys.nonEmpty("quant_next") ?? current.quant)
        }
        rope = keys.nonEmpty("rope_scaling").flatMap(RopeScaling.init)
    }
}

extension RopeScaling {
    /// `METHOD(key=value, …)`; nil when there is no method's name.
    fileprivate init?(_ text: String) {
        let word = text.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
        guard !word.isEmpty else { return nil }
        method = String(word)
        for (name, value) in text.assignments {
            if name == "scale" { scale = value }
            if name == "orig_ctx" { originalContext = value }
        }
    }
}

extension Bedrock {
    fileprivate init(_ keys: SectionReader, modelID: String) {
        self.modelID = modelID
        region = keys.expanded("aws_region")
        profile = keys.expanded("aws_profile")
        endpoint = keys.expanded("aws_endpoint_url")
        nextModelID = keys.nonEmpty("aws_model_id_next")
        nextRegion = keys.expanded("aws_region_next")
    }
}

extension Sampler {
    fileprivate init(_ keys: SectionReader) throws(CatalogError) {
        for (name, text) in keys.text("sampler").assignments {
            guard let value = Double(text) else {
                throw keys.fault(
                    "sampler", "sampler value \"\(text)\" of \(name) in [\(keys.section.name)] is not a number",
                    fix: "write it like sampler = temp=0.5, top_p=0.9")
            }
            switch name {
            case "temp": temperature = value
            case "top_p": topP = value
            case "top_k": topK = value
            case "min_p": minP = value
            case "rep_pen": repeatPenalty = value
            default: continue
            }
        }
    }
}

extension ServerDefaults {
    /// Keys that are read from `[DEFAULT]` only: no tier inherits them.
    static let keys: Set<String> = [
        "host", "router_port", "n_gpu_layers", "flash_attn", "jinja", "cache_type_k", "cache_type_v", "threads",
        "llama_server_bin",
    ]

    fileprivate init(_ section: INIDocument.Section, file: String) throws(CatalogError) {
        func value(_ key: String) -> String? {
            section.entry(key).flatMap { $0.value.isEmpty ? nil : $0.value }
        }
        func fault(_ key: String, _ problem: String, fix: String) -> CatalogError {
            CatalogError(
                file: file, line: section.entry(key)?.line,
                problem: "\(key) = \((value(key) ?? "").printable()) is \(problem)", fix: fix)
        }
        host = value("host") ?? host
        guard Self.isHost(host) else {
            throw fault("host", "neither an address nor the name of a host", fix: "write it like host = 127.0.0.1")
        }
        routerPort = value("router_port") ?? routerPort
        guard Self.isPort(routerPort) else {
            throw fault(
                "router_port", "no port", fix: "write a number from 1 to 65535, such as router_port = 10101")
        }
        gpuLayers = value("n_gpu_layers") ?? gpuLayers
        flashAttention = value("flash_attn") ?? flashAttention
        jinja = value("jinja").map { ["1", "yes", "true", "on"].contains($0.lowercased()) } ?? jinja
        cacheTypeK = value("cache_type_k") ?? cacheTypeK
        cacheTypeV = value("cache_type_v") ?? cacheTypeV
        threads = value("threads") ?? threads
        llamaServer = value("llama_server_bin")
    }

    private static func isPort(_ text: String) -> Bool {
        text.allSatisfy { $0.isASCII && $0.isNumber } && (1...65535).contains(Int(text) ?? 0)
    }

    /// As it can stand in a URL: a name, an IPv4 address, or an IPv6 address with or without its brackets.
    private static func isHost(_ text: String) -> Bool {
        text.contains(":")
            ? text.allSatisfy { $0.isHexDigit || ":.[]".contains($0) }
            : text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
    }
}

extension RoutingSection {
    static let sectionName = "ROUTING"

    static let keys = [
        "high_fidelity_ceiling", "mid_fidelity_ceiling", "multi_turn", "fast_model", "agent_model", "ultra_model",
        "plan_model", "uncensored_model", "tools_floor", "plan_phrases", "agent_phrases",
    ]

    fileprivate init(_ keys: SectionReader) throws(CatalogError) {
        highFidelityCeiling = try Self.count("high_fidelity_ceiling", keys)
        midFidelityCeiling = try Self.count("mid_fidelity_ceiling", keys)
        multiTurn = try Self.count("multi_turn", keys)
        fastModel = keys.nonEmpty("fast_model")
        agentModel = keys.nonEmpty("agent_model")
        ultraModel = keys.nonEmpty("ultra_model")
        planModel = keys.nonEmpty("plan_model")
        uncensoredModel = keys.nonEmpty("uncensored_model")
        if let floor = keys.nonEmpty("tools_floor") {
            guard ["on", "off"].contains(floor) else {
                throw keys.fault("tools_floor", "tools_floor = \(floor) means nothing here", fix: "write on or off")
            }
            hasToolsFloor = floor == "on"
        }
        planPhrases = try Self.phrases("plan_phrases", keys)
        agentPhrases = try Self.phrases("agent_phrases", keys)
    }

    private static func count(_ key: String, _ keys: SectionReader) throws(CatalogError) -> Int? {
        guard keys.nonEmpty(key) != nil else { return nil }
        guard let value = keys.integer(key) else {
            throw keys.fault(
                key, "\(key) = \(keys.text(key)) has no number",
                fix: "write a whole number, such as \(key) = \(Catalog.examples[key] ?? "6")")
        }
        return value
    }

    private static func phrases(_ key: String, _ keys: SectionReader) throws(CatalogError) -> [Phrase] {
        var phrases: [Phrase] = []
        for text in keys.text(key).split(whereSeparator: { $0 == "," || $0.isNewline }).map({ $0.trimmed })
        where !text.isEmpty {
            do {
                phrases.append(try Phrase(text))
            } catch {
                throw keys.fault(
                    key, "\(key): \(error)",
                    fix:
                        "words parted by spaces; a|b for either word; [a|b] for a word that may be left out; phrases parted by commas"
                )
            }
        }
        guard phrases.count <= Phrase.listLimit else {
            throw keys.fault(
                key, "\(key) lists \(phrases.count) phrases",
                fix: "keep it to \(Phrase.listLimit), or use a|b for variants")
        }
        return phrases
    }
}
