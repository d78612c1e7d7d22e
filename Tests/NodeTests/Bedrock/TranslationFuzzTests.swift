import Node
import RouterHarness
import Testing

/// Recorded texts, bent at random: nothing may stop the program, and what comes out must be sound.
struct TranslationFuzzTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `any request is translated soundly or refused`(seed: UInt64) throws {
        var mutation = Mutation(seed: seed)
        let bodies = try RecordedExchange.all("requests").map(\.requestBody)
        var translated = 0
        for round in 0..<400 {
            var body = bodies[round % bodies.count]
            for _ in 0...(round % 4) { body = mutation.bend(body) }
            let path = round % 9 == 0 ? "/v1/completions" : "/v1/chat/completions"
            guard
                let request = try? ConverseRequest(
                    body: mutation.tear(body.bytes), path: path, tier: HostedTier.tier(), next: false)
            else { continue }
            translated += 1
            try expectSound(request, from: body)
        }
        #expect(translated > 100)
    }

    private func expectSound(_ request: ConverseRequest, from body: JSONValue) throws {
        let comment = Comment(rawValue: body.text())
        let sent = try #require(JSONValue(parsing: request.body), comment)
        let turns = try #require(sent["messages"], comment).elements
        #expect(!turns.isEmpty, comment)
        var open: Set<String> = []
        var hasTools = false
        for (index, turn) in turns.enumerated() {
            let blocks = try #require(turn["content"]).elements
            #expect(!blocks.isEmpty, comment)
            #expect(index == 0 || turn["role"] != turns[index - 1]["role"], comment)
            let results = blocks.compactMap { $0["toolResult"]?["toolUseId"]?.text }
            #expect(open.isSubset(of: results), comment)
            open = Set(blocks.compactMap { $0["toolUse"]?["toolUseId"]?.text })
            hasTools = hasTools || !results.isEmpty || !open.isEmpty
        }
        #expect(open.isEmpty, comment)
        #expect(!hasTools || sent["toolConfig"]?["tools"]?.elements.isEmpty == false, comment)
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `any reply is translated into JSON or is a failure`(seed: UInt64) throws {
        var mutation = Mutation(seed: seed)
        let bodies = try RecordedExchange.all("responses").compactMap { $0.reply?["body"] }
        for round in 0..<400 {
            let bytes = mutation.tear(mutation.bend(mutation.bend(bodies[round % bodies.count])).bytes)
            let shape = ReplyShape(kind: round % 2 == 0 ? .chat : .text, model: "big")
            let failure = ConverseFailure(status: 400, errorType: nil, body: bytes, operation: .converse)
            #expect(JSONValue(parsing: failure.body)?["error"]?["message"]?.text == failure.message)
            guard let reply = try? ConverseReply(bytes) else { continue }
            let completion = JSONValue(parsing: reply.completion(shape, stamp: ReplyStamp(shape.kind, created: 1)))
            #expect(completion?["choices"]?.elements.count == 1, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `any stream ends with an error or as it should`(seed: UInt64) throws {
        var mutation = Mutation(seed: seed)
        let events = try RecordedExchange.all("streams").flatMap { $0.reply?["events"]?.elements ?? [] }
        for round in 0..<200 {
            let shape = ReplyShape(kind: round % 3 == 0 ? .text : .chat, model: "big", includesUsage: round % 2 == 0)
            var stream = ConverseStream(shape, stamp: ReplyStamp(shape.kind, created: 1))
            var bytes: [UInt8] = []
            for _ in 0..<mutation.below(12) {
                let event = events[mutation.below(events.count)]
                let payload = mutation.tear(mutation.bend(event["payload"] ?? .null).bytes)
                bytes += stream.take(
                    eventType: event["type"]?.text ?? "", isException: mutation.below(40) == 0, payload: payload)
            }
            bytes += stream.end(mutation.below(3) == 0 ? .lost : .complete)
            let frames = try RecordedExchange.payloads(bytes)
            let finishes = frames.filter { $0["choices"]?.elements.first?["finish_reason"]?.text != nil }
            #expect(finishes.count == 1)
            #expect(frames.last == "[DONE]" || frames.last?["error"] != nil)
            #expect(frames.filter { $0 == "[DONE]" || $0["error"] != nil }.count == 1)
        }
    }
}

/// Random changes to JSON; the same seed makes the same ones.
private struct Mutation {
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private static let scalars: [JSONValue] = [
        .null, .bool(true), .bool(false), .number("0"), .number("-1"), .number("1e999"), .number("0.1"), "", " ", "f",
        "t1",
        "user", "assistant", "tool", "system", "text", "data:image/png;base64,QUJD", "data:,", "{\"a\":1}", "é\u{0}🚀",
        [], [:],
        .string(String(repeating: "x", count: 100)), ["type": "image_url", "image_url": "data:image/gif;base64,QQ=="],
    ]

    /// One change, somewhere in the value.
    mutating func bend(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(var object) where !object.members.isEmpty && below(5) > 0:
            let index = below(object.members.count)
            switch below(8) {
            case 0: object.members.remove(at: index)
            case 1: object.members.swapAt(index, below(object.members.count))
            default: object.members[index].value = bend(object.members[index].value)
            }
            return .object(object)
        case .array(var elements) where !elements.isEmpty && below(5) > 0:
            let index = below(elements.count)
            switch below(8) {
            case 0: elements.remove(at: index)
            case 1: elements.insert(elements[index], at: below(elements.count))
            case 2: elements.swapAt(index, below(elements.count))
            default: elements[index] = bend(elements[index])
            }
            return .array(elements)
        default: return Self.scalars[below(Self.scalars.count)]
        }
    }

    /// Sometimes changes a byte, or cuts the text.
    mutating func tear(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        guard !bytes.isEmpty else { return bytes }
        switch below(20) {
        case 0: bytes[below(bytes.count)] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.removeLast(below(bytes.count))
        default: break
        }
        return bytes
    }
}
