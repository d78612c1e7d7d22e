import Cluster
import Node
import Testing

/// A tier on Bedrock, and requests to it.
enum HostedTier {
    static func tier(_ keys: String = "") throws -> Tier {
        let text = "[big]\nrole = agent\naws_model_id = m.one\naws_region = r-1\n\(keys)\n"
        return try #require(try Catalog.parse(text, file: "models.ini").tier(named: "big"))
    }

    static func request(
        _ body: String, path: String = "/v1/chat/completions", keys: String = "", next: Bool = false
    ) throws -> ConverseRequest {
        try ConverseRequest(body: Array(body.utf8), path: path, tier: tier(keys), next: next)
    }

    /// What is sent for these messages, as text.
    static func sent(_ body: String, path: String = "/v1/chat/completions", keys: String = "") throws -> String {
        String(decoding: try request(body, path: path, keys: keys).body, as: UTF8.self)
    }

    /// The content of `messages` in what is sent, as text.
    static func turns(_ messages: String) throws -> String {
        let body = try request("{\"messages\":\(messages)}").body
        return try #require(JSONValue(parsing: body)?["messages"]).text()
    }

    /// The refusal of a request; nil where it is not refused.
    static func refusal(_ body: String, path: String = "/v1/chat/completions") throws -> ConverseRefusal? {
        do {
            _ = try request(body, path: path)
            return nil
        } catch let refusal as ConverseRefusal {
            return refusal
        }
    }
}

/// One row of a table: what goes in, and what must come out.
struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let given: String
    let expected: String

    init(_ name: String, _ given: String, _ expected: String) {
        testDescription = name
        self.given = given
        self.expected = expected
    }
}
