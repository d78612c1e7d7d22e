import Node
import Testing
import Wire

struct RecordedExchangeTests {
    @Test(arguments: try RecordedExchange.all("requests"))
    func `a request becomes what was recorded`(exchange: RecordedExchange) throws { try replay(exchange) }

    @Test(arguments: try RecordedExchange.all("responses"))
    func `a reply becomes what was recorded`(exchange: RecordedExchange) throws { try replay(exchange) }

    @Test(arguments: try RecordedExchange.all("streams"))
    func `a stream becomes what was recorded`(exchange: RecordedExchange) throws { try replay(exchange) }

    @Test(arguments: try RecordedExchange.all("errors"))
    func `an error becomes what was recorded`(exchange: RecordedExchange) throws { try replay(exchange) }

    private func replay(_ exchange: RecordedExchange) throws {
        let expected = try #require(exchange.expectedBedrock)
        let client = try #require(exchange.expectedClient)
        switch try exchange.translated() {
        case .failure(let refusal):
            #expect(expected == .null, "\(refusal.error.message)")
            let error = refusal.error
            let body: JSONValue = [
                "error": ["message": .string(error.message), "type": .string(error.type), "code": .string(error.code)]
            ]
            #expect(client["status"]?.integer == error.status)
            #expect(body.difference(from: try #require(client["json"])) == nil)
        case .success(let request):
            #expect(request.modelID == expected["model_id"]?.text)
            let operation: ConverseRequest.Operation =
                expected["operation"] == "converse_stream" ? .converseStream : .converse
            #expect(request.operation == operation)
            let body = try #require(JSONValue(parsing: request.body))
            #expect(body.difference(from: try #require(expected["body"])) == nil)
            try answer(exchange, to: request, with: client)
        }
    }

    private func answer(_ exchange: RecordedExchange, to request: ConverseRequest, with client: JSONValue) throws {
        let stamp = ReplyStamp(request.shape.kind, created: RecordedExchange.now)
        let reply = try #require(exchange.reply)
        if request.operation == .converseStream {
            let wanted = exchange.loosened(try #require(client["sse"]))
            let payloads = try RecordedExchange.payloads(stream(exchange, to: request, stamp))
            #expect(JSONValue.array(payloads).difference(from: wanted) == nil)
            #expect(Set(payloads.compactMap { $0["id"]?.text }).count == 1)
            return
        }
        let wanted = exchange.loosened(try #require(client["json"]))
        let bytes: [UInt8]
        if reply["kind"] == "error" {
            #expect(client["status"] == .number("502"))
            bytes = try failure(exchange, of: request).body
        } else {
            bytes = try ConverseReply(try #require(reply["body"]).bytes).completion(request.shape, stamp: stamp)
        }
        #expect(try #require(JSONValue(parsing: bytes)).difference(from: wanted) == nil)
    }

    private func stream(
        _ exchange: RecordedExchange, to request: ConverseRequest, _ stamp: ReplyStamp
    ) throws -> [UInt8] {
        let reply = try #require(exchange.reply)
        var stream = ConverseStream(request.shape, stamp: stamp)
        switch reply["kind"] {
        case "error": return stream.fail(try failure(exchange, of: request))
        case "converse":
            return stream.take(
                eventType: "messageStart", isException: false, payload: Array(#"{"role":"assistant"}"#.utf8))
                + stream.take(
                    eventType: "messageStop", isException: false, payload: Array(#"{"stopReason":"end_turn"}"#.utf8))
                + stream.end(.complete)
        default:
            var bytes: [UInt8] = []
            for event in try #require(reply["events"]).elements {
                let exception = event["exception"]?.text
                bytes += stream.take(
                    eventType: try #require(exception ?? event["type"]?.text), isException: exception != nil,
                    payload: try #require(event["payload"]).bytes)
            }
            return bytes + stream.end(.complete)
        }
    }

    private func failure(_ exchange: RecordedExchange, of request: ConverseRequest) throws -> ConverseFailure {
        let reply = try #require(exchange.reply)
        let body: JSONValue = ["message": try #require(reply["message"])]
        let failure = ConverseFailure(
            status: try #require(reply["status"]?.integer), errorType: reply["code"]?.text, body: body.bytes,
            operation: request.operation)
        // Three attempts on what may pass, one on anything else.
        #expect(failure.isRetriable == (exchange.expectedBedrock?["calls"] == .number("3")))
        return failure
    }
}
