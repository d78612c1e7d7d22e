import Foundation
package import NIOHTTP1

/// Where a request goes, by llama-swap's routing table.
package enum Route: Equatable, Sendable {
    case health
    case running
    case models
    case version
    case events
    case unload(String?)
    case redirect(String)
    /// To the named model (a name or an alias), with the path to ask it for.
    case model(String, uri: String, stream: Bool)
    case noModel
    case notFound

    private static let jsonPaths: Set<String> = [
        "/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/messages", "/v1/messages/count_tokens",
        "/v1/embeddings", "/reranking", "/rerank", "/v1/rerank", "/v1/reranking", "/infill", "/completion",
        "/v1/audio/speech", "/v1/audio/voices", "/v1/images/generations",
    ]

    package init(
        _ method: HTTPMethod, _ uri: String, contentType: String, body: some Sequence<UInt8>,
        resolve: (String) -> String?
    ) {
        let path = uri.prefix { $0 != "?" }
        switch (method, String(path)) {
        case (.GET, "/health"), (.GET, "/wol-health"): self = .health
        case (.GET, "/running"): self = .running
        case (.GET, "/v1/models"), (.GET, "/models"): self = .models
        case (.GET, "/api/version"): self = .version
        case (.GET, "/api/events"): self = .events
        case (.GET, "/unload"), (.POST, "/api/models/unload"): self = .unload(nil)
        case (.GET, "/"): self = .redirect("/ui")
        case (.POST, let path) where path.hasPrefix("/api/models/unload/"):
            let name = path.dropFirst("/api/models/unload/".count)
            self = .unload(name.removingPercentEncoding ?? String(name))
        case (_, let path) where path.hasPrefix("/upstream/"):
            self = Self.upstream(uri, path: path, resolve: resolve)
        case (.POST, let path) where Self.jsonPaths.contains(path):
            let facts = contentType.contains("application/json") ? RequestFacts(body: body) : RequestFacts(body: [])
            self = facts.model.isEmpty ? .noModel : .model(facts.model, uri: uri, stream: facts.stream)
        case (.GET, "/props"):
            let model = URLComponents(string: uri)?.queryItems?.first { $0.name == "model" }?.value ?? ""
            self = model.isEmpty ? .noModel : .model(model, uri: uri, stream: false)
        default: self = .notFound
        }
    }

    /// `/upstream/<model>/<path>`: a model's name may hold slashes; the longest name that fits is taken.
    private static func upstream(_ uri: String, path: String, resolve: (String) -> String?) -> Route {
        let segments = path.dropFirst("/upstream/".count).split(separator: "/", omittingEmptySubsequences: false)
        for count in stride(from: segments.count, to: 0, by: -1) {
            let name = segments[..<count].joined(separator: "/")
            guard let decoded = name.removingPercentEncoding, resolve(decoded) != nil else { continue }
            let rest = uri.dropFirst("/upstream/".count + name.count)
            if rest.isEmpty || rest.hasPrefix("?") { return .redirect("/upstream/\(name)/\(rest)") }
            return .model(decoded, uri: String(rest), stream: false)
        }
        return .notFound
    }
}
