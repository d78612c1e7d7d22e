import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// An HTTP server on this host, as a client sees it.
struct Endpoint: Sendable {
    struct Reply: Sendable {
        var status: Int
        var type: String
        var text: String

        /// The value at a path of keys and indexes, as text; nil where there is none.
        func value(_ path: String...) -> String? {
            Endpoint.value(of: text, path)
        }

        /// The JSON of each `data:` line but `[DONE]`.
        var chunks: [String] {
            text.split(separator: "\n").filter { $0.hasPrefix("data: {") }.map { String($0.dropFirst(6)) }
        }

        /// Of the chunks that have it, the values at a path.
        func values(_ path: String...) -> [String] {
            chunks.compactMap { Endpoint.value(of: $0, path) }
        }
    }

    let port: Int
    var url: URL { URL(string: "http://127.0.0.1:\(port)") ?? URL(filePath: "/") }

    func get(_ path: String) async throws -> Reply { try await send("GET", path, nil) }

    func post(_ path: String, _ body: String) async throws -> Reply { try await send("POST", path, body) }

    /// A chat of one user message.
    func chat(_ model: String, _ text: String, stream: Bool = false, maxTokens: Int = 4) async throws -> Reply {
        let body: [String: Any] = [
            "model": model, "stream": stream, "max_tokens": maxTokens,
            "messages": [["role": "user", "content": text]],
        ]
        let json = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self)
        return try await post("/v1/chat/completions", json)
    }

    private func send(_ method: String, _ path: String, _ body: String?) async throws -> Reply {
        var request = URLRequest(url: URL(string: path, relativeTo: url) ?? url, timeoutInterval: 90)
        request.httpMethod = method
        if let body {
            request.httpBody = Data(body.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await URLSession.shared.data(for: request)
        let http = response as? HTTPURLResponse
        return Reply(
            status: http?.statusCode ?? 0, type: http?.value(forHTTPHeaderField: "content-type") ?? "",
            text: String(decoding: data, as: UTF8.self))
    }

    private static func value(of json: String, _ path: [String]) -> String? {
        var value = try? JSONSerialization.jsonObject(with: Data(json.utf8))
        for key in path {
            if let index = Int(key), let array = value as? [Any] {
                value = array.indices.contains(index) ? array[index] : nil
            } else {
                value = (value as? [String: Any])?[key]
            }
        }
        guard let value, !(value is NSNull) else { return nil }
        return "\(value)"
    }
}
