import Cluster
import Foundation
import Node
import Testing

/// One recorded exchange with a hosted tier.
struct RecordedExchange: Sendable, CustomTestStringConvertible {
    let name: String
    private let vector: JSONValue

    var testDescription: String { name }

    /// What holds: `want` where a user would not want what was recorded.
    private func expectation(_ key: String) -> JSONValue? { vector["want"]?[key] ?? vector[key] }
    var expectedBedrock: JSONValue? { expectation("expected_bedrock") }
    var expectedClient: JSONValue? { expectation("expected_client") }
    var reply: JSONValue? { vector["bedrock_reply"] }
    var requestBody: JSONValue { vector["request"]?["body"] ?? .null }

    static func all(_ file: String) throws -> [RecordedExchange] {
        try Fixture.text("bedrock/\(file).jsonl").split(separator: "\n").map { line in
            let vector = try #require(JSONValue(parsing: Array(line.utf8)))
            return RecordedExchange(name: try #require(vector["name"]?.text), vector: vector)
        }
    }

    /// The tier that routing chose: which one is in the label of the reply, else in the request.
    func tier() throws -> Tier {
        let catalog = try Catalog.parse(Fixture.text("inis/bedrock.ini"), file: "bedrock.ini")
        let recorded = vector["expected_client"]
        let label = try #require(
            recorded?["json"]?["model"]?.text ?? recorded?["sse"]?.elements.first?["model"]?.text
                ?? vector["request"]?["body"]?["model"]?.text)
        return try #require(catalog.tier(named: label))
    }

    func translated() throws -> Result<ConverseRequest, ConverseRefusal> {
        let request = try #require(vector["request"])
        let flag = vector["env"]?["LLMSTACK_USE_NEXT"]?.text
        let body = try #require(request["body"]).bytes
        let (path, tier) = (try #require(request["path"]?.text), try tier())
        return Result { () throws(ConverseRefusal) in
            try ConverseRequest(body: body, path: path, tier: tier, next: flag == "1" || flag == "on")
        }
    }

    /// Error wording is free, but the service's own message must be in it.
    func loosened(_ expected: JSONValue) -> JSONValue {
        let exceptions = (reply?["events"]?.elements ?? []).filter { $0["exception"] != nil }
        guard
            let message = reply?["kind"] == "error"
                ? reply?["message"]?.text : exceptions.first?["payload"]?["message"]?.text
        else { return expected }
        switch expected {
        case .array(let elements): return .array(elements.map(loosened))
        case .object(var object):
            if object["error"]?["message"]?.text != nil, var error = object["error"]?.object {
                error["message"] = ["$any_string": [.string(message)]]
                object["error"] = .object(error)
            }
            return .object(object)
        default: return expected
        }
    }
}

extension JSONValue {
    /// The first place where this value is not what `expected` says, matchers in it included; nil where it is.
    /// The order of members does not matter, nor 1 against 1.0.
    func difference(from expected: JSONValue, at path: String = "$") -> String? {
        if case .object(let object) = expected, object.members.count == 1, let matcher = object.members.first,
            matcher.key.hasPrefix("$")
        {
            return matches(matcher.key, matcher.value, at: path) ? nil : "\(path) is \(text()), not \(expected.text())"
        }
        switch (self, expected) {
        case (.object(let mine), .object(let theirs)):
            let keys = Set(mine.members.map(\.key)).union(theirs.members.map(\.key))
            for key in keys.sorted() {
                guard let value = mine[key] else { return "\(path).\(key) is missing" }
                guard let wanted = theirs[key] else { return "\(path).\(key) should not be there: \(value.text())" }
                if let found = value.difference(from: wanted, at: "\(path).\(key)") { return found }
            }
            return nil
        case (.array(let mine), .array(let theirs)):
            guard mine.count == theirs.count else { return "\(path) has \(mine.count) elements: \(text())" }
            return zip(mine, theirs).enumerated().lazy
                .compactMap { $1.0.difference(from: $1.1, at: "\(path)[\($0)]") }.first
        case (.number(let mine), .number(let theirs)):
            return Double(mine) == Double(theirs) ? nil : "\(path) is \(mine), not \(theirs)"
        default: return self == expected ? nil : "\(path) is \(text()), not \(expected.text())"
        }
    }

    private func matches(_ matcher: String, _ argument: JSONValue, at path: String) -> Bool {
        switch matcher {
        case "$any": true
        case "$any_string":
            text.map { text in
                !text.isEmpty && argument.elements.allSatisfy { $0.text.map { text.contains($0) } == true }
            } ?? false
        case "$pattern":
            text?.range(of: "^(?:\(argument.text ?? ""))$", options: .regularExpression) != nil
        case "$unix_time": integer == RecordedExchange.now
        case "$one_of": argument.elements.contains { difference(from: $0) == nil }
        case "$contains":
            object.map { mine in
                argument.object?.members.allSatisfy { mine[$0.key]?.difference(from: $0.value) == nil } == true
            } ?? false
        default: false
        }
    }
}

extension RecordedExchange {
    static let now = 1_764_000_000

    /// The payloads of the frames of an event stream; `[DONE]` as a string.
    static func payloads(_ bytes: [UInt8]) throws -> [JSONValue] {
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasSuffix("\n\n"))
        return try text.components(separatedBy: "\n\n").dropLast().map { frame in
            #expect(frame.hasPrefix("data: "))
            let payload = frame.dropFirst(6)
            return payload == "[DONE]" ? "[DONE]" : try #require(JSONValue(parsing: Array(payload.utf8)))
        }
    }
}
