import Foundation
import NIOHTTP1

/// The JSON that llama-swap writes itself.
enum Replies {
    private struct ErrorBody: Encodable {
        struct Detail: Encodable {
            var message, type: String
            var code: String

            enum CodingKeys: CodingKey { case message, type, param, code }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(message, forKey: .message)
                try container.encode(type, forKey: .type)
                try container.encodeNil(forKey: .param)
                try container.encode(code, forKey: .code)
            }
        }
        var src = "llama-swap"
        var error: Detail
    }

    private struct Running: Encodable {
        struct Entry: Encodable {
            var model, state, cmd, proxy: String
            var ttl: Int
            var name, description: String
        }
        var running: [Entry]
    }

    private struct Listing: Encodable {
        struct Entry: Encodable {
            var id: String
            var object = "model"
            var created: Int
            var owner = "llama-swap"
            var name, description: String?
            var status: [String: String]
            var meta: [String: [String: Field]]

            enum CodingKeys: String, CodingKey {
                case id, object, created, name, description, status, meta
                case owner = "owned_by"
            }
        }
        var object = "list"
        var data: [Entry]
    }

    private struct Status: Encodable {
        var id, name, description, state: String
        var unlisted = false
        var peerID = ""
        var aliases: [String]?
    }

    private struct LogData: Encodable {
        var source = "proxy"
        var data: String
    }

    private struct Loading: Encodable {
        struct Choice: Encodable { var delta: [String: String] }
        var choices: [Choice]
    }

    /// A value of a model's metadata.
    private enum Field: Encodable {
        case yaml(YAML)
        case list([String])

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .list(let items): try container.encode(items)
            case .yaml(.null): try container.encodeNil()
            case .yaml(.bool(let flag)): try container.encode(flag)
            case .yaml(.int(let number)): try container.encode(number)
            case .yaml(.double(let number)): try container.encode(number)
            case .yaml(.string(let text)): try container.encode(text)
            case .yaml(.sequence(let items)): try container.encode(items.map(Field.yaml))
            case .yaml(.mapping(let entries)):
                try container.encode(
                    Dictionary(entries.map { ($0.key, Field.yaml($0.value)) }, uniquingKeysWith: { first, _ in first }))
            }
        }
    }

    static func error(_ status: HTTPResponseStatus, _ message: String) -> String {
        let (type, code) =
            switch status {
            case .notFound: ("invalid_request_error", "not_found")
            case .tooManyRequests: ("rate_limit_error", "concurrency_limit")
            case .badGateway: ("server_error", "bad_gateway")
            default: ("server_error", "internal_error")
            }
        return json(ErrorBody(error: .init(message: message, type: type, code: code)))
    }

    static func running(_ configuration: Configuration, _ resident: [String: Residency.State]) -> String {
        json(
            Running(
                running: configuration.models.compactMap { model in
                    guard let state = resident[model.id] else { return nil }
                    return .init(
                        model: model.id, state: state.rawValue, cmd: model.command,
                        proxy: "http://localhost:\(model.port)", ttl: model.ttl, name: model.name,
                        description: model.description)
                })) + "\n"
    }

    static func models(_ configuration: Configuration, _ resident: [String: Residency.State]) -> String {
        let now = Int(Date().timeIntervalSince1970)
        var entries: [Listing.Entry] = []
        for model in configuration.models {
            let isLoaded = resident[model.id] == .ready || resident[model.id] == .starting
            var fields = Dictionary(
                model.metadata.map { ($0.key, Field.yaml($0.value)) }, uniquingKeysWith: { first, _ in first })
            func entry(_ id: String) -> Listing.Entry {
                Listing.Entry(
                    id: id, created: now, name: model.name.isEmpty ? nil : model.name,
                    description: model.description.isEmpty ? nil : model.description,
                    status: ["value": isLoaded ? "loaded" : "unloaded"], meta: ["llamaswap": fields])
            }
            fields["type"] = .yaml(.string("model"))
            if !model.aliases.isEmpty { fields["aliases"] = .list(model.aliases) }
            entries.append(entry(model.id))
            fields["type"] = .yaml(.string("alias"))
            fields["aliases"] = nil
            fields["modelID"] = .yaml(.string(model.id))
            if configuration.includeAliasesInList { entries += model.aliases.map(entry) }
        }
        return json(Listing(data: entries.sorted { $0.id < $1.id })) + "\n"
    }

    /// The event with every model's state, framed for the stream.
    static func statusEvent(_ configuration: Configuration, _ resident: [String: Residency.State]) -> String {
        let statuses = configuration.models.map { model in
            Status(
                id: model.id, name: model.name, description: model.description,
                state: resident[model.id]?.rawValue ?? "stopped", aliases: model.aliases.isEmpty ? nil : model.aliases)
        }
        return event("modelStatus", json(statuses))
    }

    /// The event of a line in llama-swap's log, framed for the stream: each request makes one.
    static func logEvent(_ line: String) -> String { event("logData", json(LogData(data: line))) }

    /// What llama-swap sends to a new follower beside the states.
    static var firstEvents: String {
        event("uiConfig", "{}") + event("profileChanged", #"{"active":null}"#)
            + event("inflight", #"{"operation":"snapshot","requests":[]}"#)
    }

    /// JSON in a string in JSON.
    private static func event(_ type: String, _ data: String) -> String {
        "event:message\ndata:{\"type\":\(json(type)),\"data\":\(json(data))}\n\n"
    }

    /// A line of the loading state, framed for the stream.
    static func loading(_ text: String) -> String {
        "data: \(json(Loading(choices: [.init(delta: ["reasoning_content": text])])))\n\n"
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        // Only a number that JSON cannot hold would fail, and YAML has none of those in our subset.
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
