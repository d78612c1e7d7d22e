import Node
import Testing

struct ConverseStreamTests {
    /// Events as `type payload`; `!type payload` is an exception; `.` ends the stream, `x` loses it.
    static func frames(_ events: [String], kind: CompletionKind = .chat, usage: Bool = false) throws -> [JSONValue] {
        let shape = ReplyShape(kind: kind, model: "big", includesUsage: usage)
        var stream = ConverseStream(shape, stamp: ReplyStamp(id: "id", created: 7))
        var bytes: [UInt8] = []
        for event in events {
            switch event {
            case ".": bytes += stream.end(.complete)
            case "x": bytes += stream.end(.lost)
            default:
                let words = event.split(separator: " ", maxSplits: 1)
                bytes += stream.take(
                    eventType: String(words[0].drop { $0 == "!" }), isException: event.hasPrefix("!"),
                    payload: Array((words.count > 1 ? words[1] : "").utf8))
            }
        }
        return bytes.isEmpty ? [] : try RecordedExchange.payloads(bytes)
    }

    /// What the frames say, in short: texts, starts of calls `0:t1=f`, arguments `0+{}`, `[reason]`, `{usage}`.
    static func gist(_ events: [String], kind: CompletionKind = .chat, usage: Bool = false) throws -> String {
        try frames(events, kind: kind, usage: usage).map { frame in
            if let word = frame.text { return word }
            if let error = frame["error"] { return "!\(error["code"]?.text ?? "")" }
            guard let choice = frame["choices"]?.elements.first else { return frame["usage"]?.text() ?? "" }
            if let reason = choice["finish_reason"]?.text { return "[\(reason)]" }
            if let text = choice["text"]?.text ?? choice["delta"]?["content"]?.text { return text }
            guard let call = choice["delta"]?["tool_calls"]?.elements.first else { return "role" }
            let (index, arguments) = (call["index"]?.text() ?? "", call["function"]?["arguments"]?.text ?? "")
            guard let name = call["function"]?["name"]?.text else { return "\(index)+\(arguments)" }
            return "\(index):\(call["id"]?.text ?? "")=\(name)"
        }.joined(separator: " ")
    }

    static let start = #"messageStart {"role":"assistant","p":"abc"}"#
    static let stop = #"messageStop {"stopReason":"end_turn"}"#
    static let metadata = #"metadata {"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#

    static func text(_ text: String, block: Int = 0) -> String {
        #"contentBlockDelta {"contentBlockIndex":\#(block),"delta":{"text":"\#(text)"}}"#
    }

    static func tool(_ id: String, _ name: String, block: Int) -> String {
        #"contentBlockStart {"contentBlockIndex":\#(block),"start":{"toolUse":{"toolUseId":"\#(id)","name":"\#(name)"}}}"#
    }

    static func input(_ text: String, block: Int) -> String {
        #"contentBlockDelta {"contentBlockIndex":\#(block),"delta":{"toolUse":{"input":"\#(text)"}}}"#
    }

    static func close(_ block: Int) -> String { #"contentBlockStop {"contentBlockIndex":\#(block)}"# }

    struct Script: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let events: [String]
        let gist: String
    }

    static let scripts: [Script] = [
        .init(testDescription: "no event at all", events: ["."], gist: "role [stop] [DONE]"),
        .init(
            testDescription: "text before messageStart", events: [text("a"), start, text("b"), stop, "."],
            gist: "role a b [stop] [DONE]"),
        .init(
            testDescription: "metadata first", events: [start, metadata, text("a"), stop, "."],
            gist: "role a [stop] [DONE]"),
        .init(
            testDescription: "interleaved tools",
            events: [
                start, tool("t1", "f", block: 1), tool("t2", "g", block: 3), input("a", block: 3), input("b", block: 1),
                input("c", block: 3), close(1), close(3), #"messageStop {"stopReason":"tool_use"}"#, ".",
            ], gist: "role 0:t1=f 1:t2=g 1+a 0+b 1+c [tool_calls] [DONE]"),
        .init(
            testDescription: "a tool without arguments",
            events: [start, tool("t1", "f", block: 0), input("", block: 0), close(0), stop, "."],
            gist: "role 0:t1=f 0+{} [stop] [DONE]"),
        .init(
            testDescription: "arguments of a tool that never began", events: [start, input("a", block: 2), stop, "."],
            gist: "role [stop] [DONE]"),
        .init(
            testDescription: "thoughts",
            events: [
                start, #"contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"s"}}}"#,
                #"contentBlockDelta {"delta":{"citation":{}}}"#, text("a"), close(0), stop, ".",
            ], gist: "role a [stop] [DONE]"),
        .init(
            testDescription: "kinds of events that are not known",
            events: [start, "pong x", text("a"), "blink", stop, "."], gist: "role a [stop] [DONE]"),
        .init(
            testDescription: "an exception first", events: [#"!throttlingException {"message":"m"}"#, text("a"), "."],
            gist: "role [error] !throttlingException"),
        .init(
            testDescription: "an exception midway", events: [start, text("a"), "!modelStreamErrorException", "."],
            gist: "role a [error] !modelStreamErrorException"),
        .init(
            testDescription: "an exception after the stop", events: [start, stop, "!internalServerException {}"],
            gist: "role [stop] !internalServerException"),
        .init(testDescription: "lost before anything", events: ["x"], gist: "role [error] !upstream_lost"),
        .init(
            testDescription: "lost midway", events: [start, text("a"), "x", "."], gist: "role a [error] !upstream_lost"),
        .init(
            testDescription: "lost after the stop", events: [start, text("a"), stop, "x"], gist: "role a [stop] [DONE]"),
        .init(
            testDescription: "an event that is no JSON", events: [start, "contentBlockDelta {", text("a")],
            gist: "role [error] !upstream_invalid"),
        .init(
            testDescription: "nothing after the end", events: [start, stop, ".", text("a"), "x", "."],
            gist: "role [stop] [DONE]"),
    ]

    @Test(arguments: scripts)
    func `events become frames`(script: Script) throws {
        #expect(try Self.gist(script.events) == script.gist)
    }

    @Test(arguments: [
        (
            [start, text("a"), stop, metadata, "."],
            #"role a [stop] {"prompt_tokens":1,"completion_tokens":2,"total_tokens":3} [DONE]"#
        ),
        (
            [metadata, text("a"), stop, "."],
            #"role a [stop] {"prompt_tokens":1,"completion_tokens":2,"total_tokens":3} [DONE]"#
        ),
        ([text("a"), stop, "."], #"role a [stop] {"prompt_tokens":0,"completion_tokens":0,"total_tokens":0} [DONE]"#),
        ([text("a"), "x"], "role a [error] !upstream_lost"),
    ])
    func `tokens are counted at the end for who asks`(events: [String], gist: String) throws {
        #expect(try Self.gist(events, usage: true) == gist)
    }

    @Test func `a text completion streams in its own shape`() throws {
        let events = [
            Self.start, Self.text("a"), Self.tool("t", "f", block: 1), Self.input("x", block: 1), Self.close(1),
            Self.stop, Self.metadata, ".",
        ]
        #expect(
            try Self.frames(events, kind: .text, usage: true).map { $0.text() } == [
                #"{"id":"id","object":"text_completion","created":7,"model":"big","choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":null}]}"#,
                #"{"id":"id","object":"text_completion","created":7,"model":"big","choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]}"#,
                #"{"id":"id","object":"text_completion","created":7,"model":"big","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#,
                #""[DONE]""#,
            ])
        #expect(try Self.gist([Self.text("a"), "x"], kind: .text) == "a [error] !upstream_lost")
    }

    @Test func `each frame goes out with its event`() {
        var stream = ConverseStream(ReplyShape(kind: .chat, model: "big"), stamp: ReplyStamp(id: "id", created: 7))
        func take(_ type: String, _ payload: String) -> String {
            String(
                decoding: stream.take(eventType: type, isException: false, payload: Array(payload.utf8)), as: UTF8.self)
        }
        let head =
            #"data: {"id":"id","object":"chat.completion.chunk","created":7,"model":"big","choices":[{"index":0,"delta":"#
        #expect(take("messageStart", "{}") == head + #"{"role":"assistant"},"finish_reason":null}]}"# + "\n\n")
        #expect(
            take("contentBlockDelta", #"{"delta":{"text":"é\n"}}"#) == head
                + #"{"content":"é\n"},"finish_reason":null}]}"# + "\n\n")
        #expect(take("messageStop", #"{"stopReason":"end_turn"}"#) == head + #"{},"finish_reason":"stop"}]}"# + "\n\n")
        #expect(!stream.isOver)
        #expect(stream.end(.complete) == Array("data: [DONE]\n\n".utf8))
        #expect(stream.isOver)
    }
}
