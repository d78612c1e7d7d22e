import Cluster
import NIOCore
import Wire

/// `/v1/models`: `auto`, then what upstream lists, then the hosted tiers and their aliases, then what only other nodes lend.
struct ModelList {
    /// Bytes that upstream's list may have.
    static let bodyLimit = 8 << 20

    private let table: RoutingTable
    private let onlyShared: Bool
    private let others: [LentShelf.OthersTier]

    /// - Parameters:
    ///   - onlyShared: whether nothing of this node's but `auto` and what it lends is listed.
    ///   - others: what other nodes can serve.
    init(_ table: RoutingTable, onlyShared: Bool, others: [LentShelf.OthersTier] = []) {
        self.table = table
        self.onlyShared = onlyShared
        self.others = others
    }

    private func isShown(_ id: String) -> Bool { !onlyShared || table.catalog.lends(id) }

    /// Without an upstream.
    var alone: Reply {
        let entries = [auto] + further(than: []).map(\.json)
        return .json("{\"object\":\"list\",\"data\":[\(entries.joined(separator: ","))]}")
    }

    /// Upstream's own bytes stay as they are; what it says that is no list of models counts as no upstream.
    func merged(into reply: Reply) -> Reply {
        let bytes = Array(reply.body.readableBytesView)
        guard let list = JSONNode.parse(bytes)?["data"], case .array(let entries) = list.kind else { return alone }
        func id(_ entry: JSONNode) -> String? {
            if case .string(let id) = entry["id"]?.kind { id } else { nil }
        }
        let ids = entries.compactMap(id)
        var body = ByteBuffer()
        body.writeBytes(bytes[..<(list.range.lowerBound + 1)])
        body.writeString(auto)
        if entries.allSatisfy({ id($0).map(isShown) ?? !onlyShared }) {
            if !entries.isEmpty { body.writeString(",") }
            body.writeBytes(bytes[(list.range.lowerBound + 1)..<(list.range.upperBound - 1)])
        } else {
            for entry in entries where id(entry).map(isShown) ?? !onlyShared {
                body.writeString(",")
                body.writeBytes(bytes[entry.range])
            }
        }
        for entry in further(than: Set(ids.filter(isShown))) { body.writeString(",\(entry.json)") }
        body.writeBytes(bytes[(list.range.upperBound - 1)...])
        return Reply(status: reply.head.status, fields: reply.head.fields, body: body)
    }

    private var auto: String {
        let settings = table.ladder.settings
        let models =
            [settings.fastModel, settings.agentModel, settings.planModel, settings.uncensoredModel]
            + (table.ladder.ultraIsAvailable ? [settings.ultraModel] : [])
        let description = "Picks one of \(models.joined(separator: ", ")) by what a request says and how long it is"
        return """
            {"id":"auto","object":"model","created":0,"owned_by":"router","name":"auto",\
            "description":\(description.jsonQuoted),"tier":"auto"}
            """
    }

    /// What upstream does not list.
    private func further(than known: Set<String>) -> [(id: String, json: String)] {
        let hosted = hosted(except: known)
        return hosted + lentByOthers(except: known.union(hosted.map(\.id)))
    }

    private func lentByOthers(except known: Set<String>) -> [(id: String, json: String)] {
        /// A name or alias of this node's own means the node's own tier.
        func isFree(_ id: String, _ tier: LentShelf.OthersTier) -> Bool {
            guard id != "auto", !known.contains(id) else { return false }
            guard isShown(id), let own = table.catalog.tier(named: id) else { return true }
            return own.name == tier.name
        }
        let free = others.filter { isFree($0.name, $0) }
        // Names count before aliases, as they do in models.ini.
        var listed = Set(free.map(\.name))
        var entries: [(String, String)] = []
        for tier in free {
            entries.append((tier.name, entry(tier.name, tier)))
            for alias in tier.aliases where isFree(alias, tier) && listed.insert(alias).inserted {
                entries.append((alias, entry(alias, tier)))
            }
        }
        return entries
    }

    private func entry(_ id: String, _ tier: LentShelf.OthersTier) -> String {
        let name = id == tier.name ? tier.description : "\(tier.description) (alias of \(tier.name))"
        return """
            {"id":\(id.jsonQuoted),"object":"model","created":0,"owned_by":"llmstack","name":\(name.jsonQuoted),\
            "description":\(tier.description.jsonQuoted),"tier":\(tier.role.jsonQuoted),\
            "hosts":[\(tier.hosts.map(\.jsonQuoted).joined(separator: ","))]}
            """
    }

    private func hosted(except known: Set<String>) -> [(id: String, json: String)] {
        var known = known
        var entries: [(String, String)] = []
        for tier in table.catalog.hostedTiers {
            guard case .bedrock(let bedrock) = tier.backend else { continue }
            for id in [tier.name] + tier.aliases where isShown(id) && known.insert(id).inserted {
                entries.append((id, entry(id, tier, bedrock)))
            }
        }
        return entries
    }

    private func entry(_ id: String, _ tier: Tier, _ bedrock: Bedrock) -> String {
        let name = id == tier.name ? tier.description : "\(tier.description) (alias of \(tier.name))"
        let usesNext = table.usesNext && tier.hasNext
        let target = bedrock.target(next: usesNext)
        var metadata = [
            "\"model_id\":\(target.modelID.jsonQuoted)", "\"region\":\(target.region?.jsonQuoted ?? "null")",
            "\"ctx_size\":\(tier.contextSize)", "\"channel\":\"\(usesNext ? "next" : "current")\"",
        ]
        if let next = bedrock.nextModelID { metadata.append("\"model_id_next\":\(next.jsonQuoted)") }
        if let region = bedrock.nextRegion { metadata.append("\"region_next\":\(region.jsonQuoted)") }
        return """
            {"id":\(id.jsonQuoted),"object":"model","created":0,"owned_by":"aws-bedrock","name":\(name.jsonQuoted),\
            "description":\(tier.description.jsonQuoted),"tier":\(tier.role.name.jsonQuoted),"backend":"bedrock",\
            "metadata":{\(metadata.joined(separator: ","))}}
            """
    }
}
