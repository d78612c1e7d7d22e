import Cluster
import Foundation
import Testing
import Wire

struct RequestScanTests {
    private static let vocabulary = Vocabulary()

    private static func scan(_ body: [UInt8], splitAt splits: [Int] = []) -> ScanOutcome {
        var scan = RequestScan(vocabulary)
        var start = 0
        for end in splits + [body.count] {
            body[start..<end].withUnsafeBytes { scan.read($0) }
            start = end
        }
        return scan.finish()
    }

    private static func scan(_ body: String) -> ScanOutcome { scan(Array(body.utf8)) }

    @Test(arguments: [
        "{}", " {} ", "{\"a\":1}", "{\"a\":-0.5e+10}", "{\"a\":1E5}", "{\"a\":[1,2,[3]]}", "{\"a\":{\"b\":null}}",
        "{\"a\":\"\\u00e9\\n\"}",
        "{\"a\":NaN}", "{\"a\":[Infinity,-Infinity]}", "{\"a\":true,\"b\":false}", "\u{FEFF}{}", "{\"\":0}",
        "{\"a\":\"\\ud83d\\ude80\\ud83d\"}",
    ])
    func itIsAnObject(_ body: String) {
        guard case .request = Self.scan(body) else {
            Issue.record("\(body) is \(Self.scan(body))")
            return
        }
    }

    @Test(arguments: ["[]", "[1]", "null", "true", "0", "-1.5", " \"auto\" ", "[{}]", "NaN"])
    func itIsJSONButNoObject(_ body: String) {
        #expect(Self.scan(body) == .notObject)
    }

    @Test(arguments: [
        " ", "{", "}", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "[1,]", "[1 2]", "{\"a\" 1}", "{a:1}",
        "{'a':1}", "{\"a\":01}",
        "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":--1}", "{\"a\":tru}", "{\"a\":truee}",
        "{\"a\":nul}", "{\"a\":-Inf}",
        "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\n\"}", "{\"a\":\"\u{1}\"}", "{} {}", "{}x", "\u{FEFF}",
        "{\"a\":\"", "{\"a\":\"\\",
        "-", "1.", "tru", "{\"a\":1}}",
    ])
    func itIsNotJSON(_ body: String) {
        #expect(Self.scan(body) == .notJSON)
    }

    @Test(
        "A reply is limited by a whole number above 0, and by nothing else",
        arguments: [
            ("10", 10), ("10.5", 10), ("-1", nil), ("0", nil), ("1e3", nil), ("null", nil), ("\"9\"", nil),
        ])
    func outputLimit(_ value: String, _ expected: Int?) throws {
        guard case .request(let request) = Self.scan("{\"max_tokens\":\(value)}") else {
            Issue.record("not read")
            return
        }
        #expect(request.outputLimit == expected)
    }

    @Test func emptyIsEmptyAndDeepIsTooDeep() {
        #expect(Self.scan("") == .empty)
        let deep = { (levels: Int) in String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
        #expect(Self.scan(deep(RequestScan.depthLimit)) == .notObject)
        #expect(Self.scan(deep(RequestScan.depthLimit + 1)) == .tooDeep)
        #expect(Self.scan(String(repeating: "{\"a\":", count: 100_000)) == .tooDeep)
    }

    @Test func mixedNestingIsRememberedAtEveryDepth() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let kinds = (0..<Int.random(in: 1...300, using: &random)).map { _ in Bool.random(using: &random) }
            let open = kinds.map { $0 ? "{\"k\":" : "[" }.joined()
            let close = kinds.reversed().map { $0 ? "}" : "]" }
            #expect(Self.scan(open + "1" + close.joined()) != .notJSON)
            let wrong = Int.random(in: 0..<kinds.count, using: &random)
            var broken = close
            broken[wrong] = broken[wrong] == "}" ? "]" : "}"
            #expect(Self.scan(open + "1" + broken.joined()) == .notJSON)
        }
    }

    private static let bodies = [
        #"{"model":"auto","messages":[{"role":"user","content":"design \u00e9\ud83d\ude80 `x`\n[nofilter] 漢字"}],"tools":[{"a":1}],"stream":true}"#,
        #"{"messages":[{"content":[{"type":"text","text":"nofilter"},{"text":": go"}],"role":"user"},{"role":"system","content":"fix the bug"}]}"#,
        #"{"model":"plan","model":"auto","prompt":"should\twe \ud83d go","messages":[{"role":"user","content":"a"}],"messages":[]}"#,
        #"  {"x":[1.5e3,-0,{"model":"no"}],"model":null,"prompt":"ſhould we"} "#,
        "\u{FEFF}{\"model\":\"\",\"big\":12345678901234567890}",
    ]

    @Test(arguments: bodies) func aBodyInPiecesIsTheSameBody(_ body: String) {
        let bytes = Array(body.utf8)
        let whole = Self.scan(bytes)
        for first in 0...bytes.count {
            #expect(Self.scan(bytes, splitAt: [first]) == whole)
            #expect(Self.scan(bytes, splitAt: [first, min(first + 1, bytes.count)]) == whole)
        }
        #expect(Self.scan(bytes, splitAt: Array(0..<bytes.count)) == whole)
    }

    @Test(arguments: [
        (#"{"model":"auto"}"#, ScannedRequest.Model.auto), (#"{"model":""}"#, .auto), (#"{"model":null}"#, .auto),
        (#"{}"#, .auto),
        (#"{"model":"\u0061uto"}"#, .auto), (#"{"mod\u0065l":"plan"}"#, .concrete), (#"{"model":"AUTO"}"#, .concrete),
        (#"{"model":" auto"}"#, .concrete), (#"{"model":0}"#, .concrete), (#"{"model":false}"#, .concrete),
        (#"{"model":[]}"#, .invalid),
        (#"{"model":{}}"#, .invalid), (#"{"model":"plan","model":"auto"}"#, .auto),
        (#"{"model":"auto","model":"plan"}"#, .concrete),
        (#"{"x":{"model":"plan"}}"#, .auto), (#"{"model":"autoautoauto"}"#, .concrete),
    ])
    func theModelIsRead(_ body: String, _ model: ScannedRequest.Model) throws {
        guard case .request(let request) = Self.scan(body) else {
            Issue.record("\(body) is no request")
            return
        }
        #expect(request.model == model)
    }

    @Test(arguments: [
        (#"{"tools":[]}"#, false), (#"{"tools":[1]}"#, true), (#"{"tools":{}}"#, false), (#"{"tools":{"a":1}}"#, true),
        (#"{"tools":""}"#, false),
        (#"{"tools":"x"}"#, true), (#"{"tools":0.0}"#, false), (#"{"tools":-0e5}"#, false), (#"{"tools":0.1}"#, true),
        (#"{"tools":null}"#, false),
        (#"{"tools":true}"#, true), (#"{"tools":[1],"tools":[]}"#, false), (#"{"x":{"tools":[1]}}"#, false),
        (#"{"tools":NaN}"#, true),
    ])
    func toolsCountWhereTheyAreTrue(_ body: String, _ hasTools: Bool) {
        guard case .request(let request) = Self.scan(body) else {
            Issue.record("\(body) is no request")
            return
        }
        #expect(request.facts.hasTools == hasTools)
    }

    @Test func itSaysWhichMessageIsNoObject() {
        for (body, index) in [("[{},null]", 1), ("[\"x\"]", 0), ("[[]]", 0), ("[{},{},3]", 2)] {
            guard case .request(let request) = Self.scan("{\"messages\":\(body)}") else {
                Issue.record("\(body) is no request")
                return
            }
            #expect(request.badMessage == index)
        }
    }
}
