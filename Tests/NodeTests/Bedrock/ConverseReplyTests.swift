import Node
import Testing

struct ConverseReplyTests {
    static let stamp = ReplyStamp(id: "chatcmpl-1", created: 7)

    static func chat(_ reply: String) throws -> String {
        let reply = try ConverseReply(Array(reply.utf8))
        let bytes = reply.completion(ReplyShape(kind: .chat, model: "big"), stamp: stamp)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("tool_use", "tool_calls"), ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"), ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"), ("malformed_tool_use", "stop"), ("", "stop"),
    ])
    func `reasons to stop have OpenAI's names`(reason: String, name: String) throws {
        let text = try Self.chat(#"{"output":{"message":{"content":[{"text":"x"}]}},"stopReason":"\#(reason)"}"#)
        #expect(text.contains(#""finish_reason":"\#(name)"}"#))
    }

    @Test func `a chat completion is whole`() throws {
        let reply =
            #"{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"redactedContent":"AA=="}},{"text":"a\n\"é"},{"image":{}},{"toolUse":{"toolUseId":"t","name":"f","input":{"b":123456789012345678901234567890,"a":"é🚀\u007f"}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":2,"cacheReadInputTokens":5}}"#
        #expect(
            try Self.chat(reply)
                == #"{"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"big","choices":[{"index":0,"message":{"role":"assistant","content":"a\n\"é","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"b\": 123456789012345678901234567890, \"a\": \"\\u00e9\\ud83d\\ude80\\u007f\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#
        )
    }

    @Test func `a text completion has its own shape`() throws {
        let reply = try ConverseReply(
            Array(#"{"output":{"message":{"content":[{"text":"x"}]}},"stopReason":"max_tokens"}"#.utf8))
        let bytes = reply.completion(ReplyShape(kind: .text, model: "big"), stamp: ReplyStamp(id: "cmpl-1", created: 7))
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"id":"cmpl-1","object":"text_completion","created":7,"model":"big","choices":[{"index":0,"text":"x","logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#
        )
    }

    @Test(arguments: ["", "<html>", "[]", "{}", #"{"output":{}}"#, #"{"output":{"message":[]}}"#])
    func `a reply of another API is a failure`(reply: String) {
        #expect(throws: ConverseFailure.unreadable) { try ConverseReply(Array(reply.utf8)) }
    }

    @Test func `blocks that lack what they must have do no harm`() throws {
        let reply =
            #"{"output":{"message":{"content":[null,1,{},{"text":1},{"toolUse":{}},{"toolUse":{"name":"f"}}]}},"usage":{"inputTokens":"x","outputTokens":-1e99,"totalTokens":null}}"#
        #expect(
            try Self.chat(reply).contains(
                #""tool_calls":[{"id":"","type":"function","function":{"name":"f","arguments":"{}"}}]"#))
    }

    @Test func `stamps differ and look alike`() {
        let ids = Set((0..<100).map { _ in ReplyStamp(.chat, created: 0).id })
        #expect(ids.count == 100)
        #expect(ids.allSatisfy { $0.wholeMatch(of: /chatcmpl-[0-9a-f]{24}/) != nil })
        #expect(ReplyStamp(.text, created: 0).id.wholeMatch(of: /cmpl-[0-9a-f]{24}/) != nil)
    }
}

struct ConverseFailureTests {
    static func failure(_ status: Int, _ header: String?, _ body: String) -> ConverseFailure {
        ConverseFailure(status: status, errorType: header, body: Array(body.utf8), operation: .converse)
    }

    @Test(arguments: [
        ("ThrottlingException:http://internal.amazon.com/coral/", "{}", "ThrottlingException"),
        (nil, #"{"__type":"com.amazon.coral.service#AccessDeniedException"}"#, "AccessDeniedException"),
        (nil, #"{"code":"SlowDown"}"#, "SlowDown"), ("", "<html>", "400"), (nil, "", "400"),
    ])
    func `an error is named by header, else by body, else by status`(header: String?, body: String, code: String) {
        #expect(Self.failure(400, header, body).code == code)
    }

    @Test(arguments: [
        (429, "X", true), (500, "X", true), (502, "X", true), (503, "X", true), (504, "X", true), (400, "X", false),
        (403, "AccessDeniedException", false), (404, "X", false), (408, "ModelTimeoutException", false),
        (424, "ModelErrorException", false), (400, "ThrottlingException", true), (429, "ModelNotReadyException", true),
        (400, "ServiceQuotaExceededException", false),
    ])
    func `what may pass is tried again`(status: Int, code: String, isRetriable: Bool) {
        #expect(Self.failure(status, code, "{}").isRetriable == isRetriable)
    }

    @Test func `messages have AWS's words, or the proxy's`() {
        #expect(Self.failure(400, "X", #"{"Message":"why"}"#).message.hasSuffix(": why"))
        #expect(Self.failure(502, nil, "<h1>Bad\n gateway</h1>").message.hasSuffix(": <h1>Bad gateway</h1>"))
        #expect(Self.failure(502, nil, "").message.contains("502"))
        let third = ConverseFailure(status: 429, errorType: "X", body: [], operation: .converseStream, attempts: 3)
        #expect(third.message.hasPrefix("AWS Bedrock answered ConverseStream with X (3 attempts): "))
    }

    @Test func `the body is an error of three members`() {
        let failure = ConverseFailure(code: "c", type: "t", message: "a \"b\"")
        #expect(failure.body == Array(#"{"error":{"message":"a \"b\"","type":"t","code":"c"}}"#.utf8))
    }
}
