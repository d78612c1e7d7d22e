import Node
import Testing
import Wire

struct ConverseConversationTests {
    static let call = #"{"id":"t1","type":"function","function":{"name":"f","arguments":"{}"}}"#
    static let use = #"{"toolUse":{"toolUseId":"t1","name":"f","input":{}}}"#
    static let calling = #"{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[\#(call)]}"#
    static let called = #"{"role":"user","content":[{"text":"q"}]},{"role":"assistant","content":[\#(use)]}"#

    static func result(_ content: String, id: String = "t1") -> String {
        #"{"toolResult":{"toolUseId":"\#(id)","content":[\#(content)]}}"#
    }

    static let contents: [Row] = [
        .init("an empty text", #""""#, ""),
        .init("null", "null", ""),
        .init("an empty list", "[]", ""),
        .init("a number", "1234567890123456789012.50", #"{"text":"1234567890123456789012.50"}"#),
        .init("true", "true", #"{"text":"true"}"#),
        .init("one part without its list", #"{"type":"text","text":"a"}"#, #"{"text":"a"}"#),
        .init("an object of no type", #"{"b":1,"a":[]}"#, #"{"text":"{\"b\":1,\"a\":[]}"}"#),
        .init("bare strings", #"["a","","b"]"#, #"{"text":"a\nb"}"#),
        .init("a part without a type", #"[{"text":"a"}]"#, #"{"text":"a"}"#),
        .init("empty parts", #"[{"type":"text","text":""},{"type":"text","text":"x"}]"#, #"{"text":"x"}"#),
        .init(
            "parts that are nothing", #"[null,1,{},{"type":"text"},{"type":"text","text":null},"x"]"#, #"{"text":"x"}"#),
        .init("a thought", #"[{"type":"thinking","thinking":"hm"},{"type":"text","text":"x"}]"#, #"{"text":"x"}"#),
        .init("a refusal", #"[{"type":"refusal","refusal":"no"}]"#, #"{"text":"no"}"#),
        .init("white space", #""  \n""#, #"{"text":"  \n"}"#),
        .init("escapes", #""\u00e9\ud83d\ude80 \"\\\/\b\f\n\r\t\u0001""#, #"{"text":"é🚀 \"\\/\b\f\n\r\t\u0001"}"#),
        .init("half a character", #""a\ud83d""#, "{\"text\":\"a\u{FFFD}\"}"),
        .init(
            "an image between texts",
            #"["a",{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,QUJD"}},"c"]"#,
            #"{"text":"a\nb"},{"image":{"format":"jpeg","source":{"bytes":"QUJD"}}},{"text":"c"}"#),
        .init(
            "an image by its URL alone", #"[{"type":"image_url","image_url":"data:image/png;base64,QUJD"}]"#,
            #"{"image":{"format":"png","source":{"bytes":"QUJD"}}}"#),
        .init(
            "odd base64", #"[{"type":"image_url","image_url":{"url":"data:IMAGE/JPG;charset=x;base64,QU-_\nQQ"}}]"#,
            #"{"image":{"format":"jpeg","source":{"bytes":"QU+/QQ=="}}}"#),
        .init(
            "webp and gif",
            #"[{"type":"image_url","image_url":{"url":"data:image/webp;base64,QQ=="}},{"type":"input_image","image_url":"data:image/gif;base64,QQ=="}]"#,
            #"{"image":{"format":"webp","source":{"bytes":"QQ=="}}},{"image":{"format":"gif","source":{"bytes":"QQ=="}}}"#
        ),
    ]

    @Test(arguments: contents)
    func `content becomes blocks`(row: Row) throws {
        let turns = try HostedTier.turns(#"[{"role":"user","content":\#(row.given)},{"role":"user","content":"."}]"#)
        let blocks = row.expected.isEmpty ? "" : row.expected + ","
        #expect(turns == #"[{"role":"user","content":[\#(blocks){"text":"."}]}]"#)
    }

    static let conversations: [Row] = [
        .init(
            "any role is a user's",
            #"{"role":"function","content":"a"},{"role":"Assistant","content":"b"},{"content":"c"}"#,
            #"{"role":"user","content":[{"text":"a"},{"text":"b"},{"text":"c"}]}"#),
        .init(
            "turns that hold nothing join their neighbours",
            #"{"role":"user","content":"a"},{"role":"assistant","content":""},{"role":"user","content":"b"}"#,
            #"{"role":"user","content":[{"text":"a"},{"text":"b"}]}"#),
        .init(
            "what is no message is skipped", #"null,1,"x",[],{"role":"user","content":"a"}"#,
            #"{"role":"user","content":[{"text":"a"}]}"#),
        .init(
            "an assistant may begin and end",
            #"{"role":"assistant","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c"}"#,
            #"{"role":"assistant","content":[{"text":"a"}]},{"role":"user","content":[{"text":"b"}]},{"role":"assistant","content":[{"text":"c"}]}"#
        ),
        .init(
            "blank text beside a call is left out",
            #"{"role":"user","content":"q"},{"role":"assistant","content":"\n\n","tool_calls":[\#(call)]},{"role":"tool","tool_call_id":"t1","content":"r"}"#,
            #"\#(called),{"role":"user","content":[\#(result(#"{"text":"r"}"#))]}"#),
        .init(
            "results come first in their turn",
            #"\#(calling),{"role":"user","content":"wait"},{"role":"tool","tool_call_id":"t1","content":"r"}"#,
            #"\#(called),{"role":"user","content":[\#(result(#"{"text":"r"}"#)),{"text":"wait"}]}"#),
        .init(
            "a result without an id answers the open call", #"\#(calling),{"role":"tool","content":"r"}"#,
            #"\#(called),{"role":"user","content":[\#(result(#"{"text":"r"}"#))]}"#),
        .init(
            "a result without a call is a text", #"{"role":"user","content":"q"},{"role":"tool","content":"r"}"#,
            #"{"role":"user","content":[{"text":"q"},{"text":"r"}]}"#),
        .init(
            "a result of several parts",
            #"\#(calling),{"role":"tool","tool_call_id":"t1","content":["a",{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]}"#,
            #"\#(called),{"role":"user","content":[\#(result(#"{"text":"a\nb"},{"image":{"format":"png","source":{"bytes":"QUJD"}}}"#))]}"#
        ),
        .init(
            "an empty list as a result", #"\#(calling),{"role":"tool","tool_call_id":"t1","content":[]}"#,
            #"\#(called),{"role":"user","content":[\#(result(#"{"text":""}"#))]}"#),
        .init(
            "calls of two messages in a row are answered together",
            #"\#(calling),{"role":"assistant","tool_calls":[{"id":"t2","function":{"name":"g","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"t2","content":"2"},{"role":"tool","tool_call_id":"t1","content":"1"}"#,
            #"{"role":"user","content":[{"text":"q"}]},{"role":"assistant","content":[\#(use),{"toolUse":{"toolUseId":"t2","name":"g","input":{"a":1}}}]},{"role":"user","content":[\#(result(#"{"text":"2"}"#, id: "t2")),\#(result(#"{"text":"1"}"#))]}"#
        ),
        .init(
            "calls without ids and their results find each other",
            #"{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"function":{"name":"f"}},{"function":{"name":"g","arguments":null}}]},{"role":"tool","content":"1"},{"role":"tool","content":"2"}"#,
            #"{"role":"user","content":[{"text":"q"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"tool_000000000001","name":"f","input":{}}},{"toolUse":{"toolUseId":"tool_000000000002","name":"g","input":{}}}]},{"role":"user","content":[\#(result(#"{"text":"1"}"#, id: "tool_000000000001")),\#(result(#"{"text":"2"}"#, id: "tool_000000000002"))]}"#
        ),
        .init(
            "what is no call is skipped",
            #"{"role":"user","content":"q"},{"role":"assistant","content":"a","tool_calls":[null,{},{"function":"f"}]},{"role":"assistant","tool_calls":"x"}"#,
            #"{"role":"user","content":[{"text":"q"}]},{"role":"assistant","content":[{"text":"a"}]}"#),
    ]

    @Test(arguments: conversations)
    func `messages become turns`(row: Row) throws {
        #expect(try HostedTier.turns("[\(row.given)]") == "[\(row.expected)]")
    }

    static let arguments: [Row] = [
        .init(
            "order and big numbers survive", #""{\"z\":1e400,\"a\":123456789012345678901234567890}""#,
            #"{"z":1e400,"a":123456789012345678901234567890}"#),
        .init("broken", #""{\"a\":""#, #"{"_raw":"{\"a\":"}"#),
        .init("a text", #""\"x\"""#, #"{"value":"x"}"#),
        .init("null in a text", #""null""#, #"{"value":null}"#),
        .init("null", "null", "{}"),
        .init("blank", #"" ""#, "{}"),
        .init("a list", "[1]", #"{"value":[1]}"#),
        .init("NaN", #""{\"a\":NaN}""#, #"{"_raw":"{\"a\":NaN}"}"#),
        .init(
            "nested too deep", "\"\(String(repeating: "[", count: 70))\"",
            "{\"_raw\":\"\(String(repeating: "[", count: 70))\"}"),
    ]

    @Test(arguments: arguments)
    func `arguments become an object`(row: Row) throws {
        let turns = try HostedTier.turns(
            #"[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"t","function":{"name":"f","arguments":\#(row.given)}}]},{"role":"tool","tool_call_id":"t","content":"r"}]"#
        )
        #expect(turns.contains(#"{"toolUse":{"toolUseId":"t","name":"f","input":\#(row.expected)}}"#), "\(turns)")
    }

    @Test(arguments: ["functions.bash:0", String(repeating: "x", count: 65), "ünï", " "])
    func `an id that Converse refuses becomes another, the same for call and result`(id: String) throws {
        let turns = try HostedTier.turns(
            #"[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"\#(id)","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"\#(id)","content":"r"}]"#
        )
        let parsed = try #require(JSONValue(parsing: Array(turns.utf8))).elements
        let call = try #require(parsed[1]["content"]?.elements.first?["toolUse"]?["toolUseId"]?.text)
        let results = try #require(parsed[2]["content"]).elements
        #expect(results.count == 1)
        #expect(results[0]["toolResult"]?["toolUseId"]?.text == call)
        #expect(call.utf8.count <= 64 && call.utf8.allSatisfy { "tool_0123456789abcdef".utf8.contains($0) })
    }

    @Test func `equal histories make equal bytes`() throws {
        let body =
            #"{"messages":[\#(Self.calling),{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"function":{"name":"g"}}]}]}"#
        #expect(try HostedTier.request(body).body == HostedTier.request(body).body)
    }

    static let refusals: [Row] = [
        .init(
            "an http image", #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://h/a.png"}}]}"#,
            "invalid_image_url"),
        .init(
            "an unknown format",
            #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,QQ=="}}]}"#,
            "invalid_image_url"),
        .init(
            "an image that is not base64",
            #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png,abc"}}]}"#,
            "invalid_image_url"),
        .init(
            "broken base64",
            #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=Q"}}]}"#,
            "invalid_image_url"),
        .init(
            "base64 of no byte",
            #"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,"}}]}"#,
            "invalid_image_url"),
        .init("no URL", #"{"role":"user","content":[{"type":"image_url"}]}"#, "invalid_image_url"),
        .init(
            "an image in a system prompt",
            #"{"role":"system","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=="}}]}"#,
            "unsupported_content"),
        .init(
            "a sound", #"{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}"#, "unsupported_content"),
        .init("a file", #"{"role":"user","content":[{"type":"file","file":{}}]}"#, "unsupported_content"),
        .init("no message", "", "invalid_value"),
        .init("a system prompt alone", #"{"role":"system","content":"s"}"#, "invalid_value"),
    ]

    @Test(arguments: refusals)
    func `what has no place in Converse is refused`(row: Row) throws {
        let refusal = try #require(try HostedTier.refusal("{\"messages\":[\(row.given)]}"))
        #expect(refusal.error.status == 400)
        #expect(refusal.error.code == row.expected)
    }
}
