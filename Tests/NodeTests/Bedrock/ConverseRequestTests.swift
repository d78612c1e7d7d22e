import Node
import Testing
import Wire

struct ConverseRequestTests {
    static let hi = #""messages":[{"role":"user","content":"hi"}]"#
    static let sentHi = #""messages":[{"role":"user","content":[{"text":"hi"}]}]"#
    static let f =
        #"{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"z":{},"a":{}}}}}"#
    static let sentF =
        #"{"toolSpec":{"name":"f","description":"d","inputSchema":{"json":{"type":"object","properties":{"z":{},"a":{}}}}}}"#

    static let settings: [Row] = [
        .init("nothing", "", ""),
        .init(
            "digits as they are", #""temperature":0.10000000000000000555,"top_p":1"#,
            #""temperature":0.10000000000000000555,"topP":1"#),
        .init("zero", #""temperature":0"#, #""temperature":0"#),
        .init("a number in a string", #""temperature":" 1e-1 ""#, #""temperature":0.1"#),
        .init("no number in a string", #""temperature":"0x1","top_p":"inf""#, ""),
        .init("no number at all", #""temperature":[0.5],"top_p":true"#, ""),
        .init("a whole limit written as a fraction", #""max_tokens":12.9"#, #""maxTokens":12"#),
        .init("a limit that is none", #""max_tokens":-1,"max_completion_tokens":null"#, ""),
        .init("a limit beyond all numbers", #""max_tokens":1e300"#, ""),
        .init("a big limit", #""max_tokens":9007199254740993"#, #""maxTokens":9007199254740993"#),
        .init("a limit in words", #""max_tokens":"many","max_completion_tokens":" 7 ""#, #""maxTokens":7"#),
        .init("an empty stop", #""stop":"""#, ""),
        .init("no stop", #""stop":null"#, ""),
        .init("stops of all kinds", #""stop":["",1,"é",["x"]]"#, #""stopSequences":["é"]"#),
        .init("an empty list of stops", #""stop":[]"#, ""),
        .init(
            "knobs that Converse lacks",
            #""n":3,"seed":1,"presence_penalty":1,"logprobs":true,"top_k":1,"response_format":{"type":"text"}"#, ""),
    ]

    @Test(arguments: settings)
    func `settings become an inferenceConfig`(row: Row) throws {
        let body = row.given.isEmpty ? "{\(Self.hi)}" : "{\(row.given),\(Self.hi)}"
        let config = row.expected.isEmpty ? "" : ",\"inferenceConfig\":{\(row.expected)}"
        #expect(try HostedTier.sent(body) == "{\(Self.sentHi)\(config)}")
    }

    @Test(arguments: [
        ("", #"{"temperature":0.5,"topP":0.95}"#), (#""temperature":1,"#, #"{"temperature":1,"topP":0.95}"#),
        (#""temperature":null,"top_p":0.2,"#, #"{"topP":0.2}"#),
    ])
    func `the tier's sampler fills what the client leaves open`(given: String, expected: String) throws {
        let sent = try HostedTier.sent(
            "{\(given)\(Self.hi)}", keys: "sampler = temp=0.5, top_p=0.95, top_k=40, min_p=0.05")
        #expect(sent == "{\(Self.sentHi),\"inferenceConfig\":\(expected)}")
    }

    static let tools: [Row] = [
        .init("tools", #""tools":[\#(f)]"#, #""tools":[\#(sentF)]"#),
        .init("auto", #""tools":[\#(f)],"tool_choice":"auto""#, #""tools":[\#(sentF)]"#),
        .init("null", #""tools":[\#(f)],"tool_choice":null"#, #""tools":[\#(sentF)]"#),
        .init(
            "required", #""tools":[\#(f)],"tool_choice":"required""#, #""tools":[\#(sentF)],"toolChoice":{"any":{}}"#),
        .init(
            "one tool", #""tools":[\#(f)],"tool_choice":{"type":"function","function":{"name":"f"}}"#,
            #""tools":[\#(sentF)],"toolChoice":{"tool":{"name":"f"}}"#),
        .init("none", #""tools":[\#(f)],"tool_choice":"none""#, ""),
        .init("null for tools", #""tools":null"#, ""),
        .init(
            "what is no tool",
            #""tools":[null,1,{"type":"custom"},{"function":{"name":""}},{"function":{"name":1}},\#(f)]"#,
            #""tools":[\#(sentF)]"#),
        .init(
            "a tool that is only a name", #""tools":[{"function":{"name":"g","description":"","parameters":{}}}]"#,
            #""tools":[{"toolSpec":{"name":"g","inputSchema":{"json":{"type":"object","properties":{}}}}}]"#),
    ]

    @Test(arguments: tools)
    func `tools become a toolConfig`(row: Row) throws {
        let config = row.expected.isEmpty ? "" : ",\"toolConfig\":{\(row.expected)}"
        #expect(try HostedTier.sent("{\(row.given),\(Self.hi)}") == "{\(Self.sentHi)\(config)}")
    }

    @Test(arguments: ["", #","tools":[]"#, #","tools":[\#(f)],"tool_choice":"none""#])
    func `tools of the past are declared when none is offered`(tools: String) throws {
        let body = "{\"messages\":[\(ConverseConversationTests.calling)]\(tools)}"
        let sent = try #require(JSONValue(parsing: Array(HostedTier.sent(body).utf8)))
        let declared = try #require(sent["toolConfig"]?["tools"]).elements
        #expect(declared.compactMap { $0["toolSpec"]?["name"]?.text } == ["f"])
        #expect(sent["toolConfig"]?["toolChoice"] == nil)
    }

    @Test func `a result whose call is gone needs a declared tool too`() throws {
        let sent = try HostedTier.sent(#"{"messages":[{"role":"tool","tool_call_id":"t","content":"r"}]}"#)
        #expect(JSONValue(parsing: Array(sent.utf8))?["toolConfig"]?["tools"]?.elements.count == 1)
    }

    @Test(arguments: [
        #""response_format":{"type":"json_schema","json_schema":{}}"#, #""tool_choice":"required""#,
        #""tools":[\#(f)],"tool_choice":{"type":"function","function":{"name":"g"}}"#,
        #""tools":[\#(f)],"tool_choice":"often""#, #""tools":[\#(f)],"tool_choice":7"#,
    ])
    func `what cannot be honoured is refused`(given: String) throws {
        let refusal = try #require(try HostedTier.refusal("{\(given),\(Self.hi)}"))
        #expect(refusal.error.status == 400)
        #expect(refusal.error.type == "invalid_request_error")
        #expect(!refusal.error.message.isEmpty)
    }

    @Test(arguments: [
        ("", "invalid_json"), ("{", "invalid_json"), ("[]", "invalid_json"), ("null", "invalid_json"),
        ("{}", "invalid_value"),
        (#"{"messages":{}}"#, "invalid_value"), (#"{"messages":[]}"#, "invalid_value"),
        (#"{"prompt":""}"#, "invalid_value"),
        (#"{"prompt":[]}"#, "invalid_value"), (#"{"prompt":[1,2]}"#, "unsupported_value"),
        (#"{"prompt":["a","b"]}"#, "unsupported_value"),
    ])
    func `a request that asks nothing is refused`(body: String, code: String) throws {
        for path in ["/v1/chat/completions", "/v1/completions"] {
            let refusal = try #require(try HostedTier.refusal(body, path: path))
            #expect(refusal.error.code == code)
        }
    }

    @Test(arguments: ["/v1/embeddings", "/infill", "/v1/chat/completions/x", ""])
    func `other endpoints are not there`(path: String) throws {
        #expect(try HostedTier.refusal("{\(Self.hi)}", path: path)?.error.status == 404)
    }

    @Test(arguments: [
        ("", ConverseRequest.Operation.converse), (#""stream":false,"#, .converse), (#""stream":null,"#, .converse),
        (#""stream":0.0,"#, .converse), (#""stream":"","#, .converse), (#""stream":[],"#, .converse),
        (#""stream":true,"#, .converseStream), (#""stream":"no","#, .converseStream),
        (#""stream":{"a":1},"#, .converseStream),
    ])
    func `a stream is what a client calls true`(given: String, operation: ConverseRequest.Operation) throws {
        #expect(try HostedTier.request("{\(given)\(Self.hi)}").operation == operation)
    }

    @Test func `a channel takes its model and region, with those of today where nothing is queued`() throws {
        let keys = "aws_model_id_next = m.two\naws_region_next = r-2"
        let current = try HostedTier.request("{\(Self.hi)}", keys: keys)
        #expect(current.modelID == "m.one" && current.region == "r-1")
        let next = try HostedTier.request("{\(Self.hi)}", keys: keys, next: true)
        #expect(next.modelID == "m.two" && next.region == "r-2")
        let nothingQueued = try HostedTier.request("{\(Self.hi)}", next: true)
        #expect(nothingQueued.modelID == "m.one" && nothingQueued.region == "r-1")
    }

    @Test func `the shape of the reply is the request's`() throws {
        let chat = try HostedTier.request(
            #"{"model":"alias","stream":true,"stream_options":{"include_usage":true},\#(Self.hi)}"#)
        #expect(chat.shape == ReplyShape(kind: .chat, model: "big", includesUsage: true))
        let text = try HostedTier.request(#"{"prompt":["p"]}"#, path: "/v1/completions?x=1")
        #expect(text.shape == ReplyShape(kind: .text, model: "big", includesUsage: false))
        #expect(text.body == Array(#"{"messages":[{"role":"user","content":[{"text":"p"}]}]}"#.utf8))
    }

    @Test func `a byte order mark is no part of the text`() throws {
        #expect(try HostedTier.sent("\u{FEFF}{\(Self.hi)}") == "{\(Self.sentHi)}")
    }
}
