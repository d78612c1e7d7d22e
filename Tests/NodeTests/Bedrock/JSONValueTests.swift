import Node
import Testing

struct JSONValueTests {
    static func text(_ given: String) -> String? { JSONValue(parsing: Array(given.utf8))?.text() }

    @Test(arguments: [
        "null", "true", "false", "0", "-0", "1.50", "1E+400", "123456789012345678901234567890", #""""#, #""é🚀\n\"\\""#,
        "[]", "{}", #"{"z":1,"a":{"b":[null,{}]},"z":2}"#, "\"\u{7F}\u{2028}\"",
    ])
    func `a compact text comes out as it went in`(given: String) {
        #expect(Self.text(given) == given)
        #expect(Self.text(" \n\(given)\t\r ") == given)
    }

    @Test(arguments: [
        "", " ", "nul", "01", "1.", ".5", "+1", "NaN", "Infinity", "'a'", "[1,]", "[1 2]", #"{"a"}"#, #"{"a":1,}"#,
        #"{a:1}"#,
        #""a"#, "\"\n\"", #""\x""#, #""\u12g4""#, "1 2", "[", "]", "//", "\u{FEFF}",
    ])
    func `what is no JSON is no value`(given: String) {
        #expect(Self.text(given) == nil)
    }

    @Test func `depth has a limit`() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(Self.text(nested(64)) == nested(64))
        #expect(Self.text(nested(65)) == nil)
        #expect(Self.text(String(repeating: "[{\"a\":", count: 100_000)) == nil)
    }

    @Test func `bytes that are no UTF-8 are replaced`() {
        #expect(JSONValue(parsing: [0x22, 0x61, 0xFF, 0xC3, 0x22])?.text == "a\u{FFFD}\u{FFFD}")
    }

    @Test(arguments: [
        (#"{"b":[1,{"c":null}],"a":"x"}"#, #"{"b": [1, {"c": null}], "a": "x"}"#), ("[]", "[]"), ("{}", "{}"),
        (#""é🚀\u007f\u0001\b\f\/ /""#, #""\u00e9\ud83d\ude80\u007f\u0001\b\f/ /""#),
    ])
    func `the spaced style is that of Python's json module`(given: String, expected: String) {
        #expect(JSONValue(parsing: Array(given.utf8))?.text(.spacedASCII) == expected)
    }

    @Test(arguments: [
        ("null", false), ("false", false), ("true", true), ("0", false), ("-0.0e5", false), ("1e-5", true),
        (#""""#, false),
        (#""false""#, true), ("[]", false), ("[0]", true), ("{}", false), (#"{"a":null}"#, true),
    ])
    func `truth is that of dynamic languages`(given: String, isTruthy: Bool) {
        #expect(JSONValue(parsing: Array(given.utf8))?.isTruthy == isTruthy)
    }

    @Test(arguments: [
        ("7", 7), ("-7.9", -7), ("1e3", 1000), ("9223372036854775807", Int.max), ("9223372036854775808", nil),
        ("1e300", nil),
        (#""7""#, nil), ("true", nil),
    ])
    func `a whole number is one that fits`(given: String, number: Int?) {
        #expect(JSONValue(parsing: Array(given.utf8))?.integer == number)
    }

    @Test func `a member is set in its place, and the last of a name counts`() {
        var object = JSONObject(members: [
            .init(key: "a", value: .null), .init(key: "b", value: .null), .init(key: "a", value: "x"),
        ])
        #expect(object["a"] == "x")
        object["a"] = "y"
        object["c"] = ["z"]
        #expect(JSONValue.object(object).text() == #"{"a":null,"b":null,"a":"y","c":["z"]}"#)
        object["a"] = nil
        #expect(JSONValue.object(object).text() == #"{"b":null,"c":["z"]}"#)
    }
}
