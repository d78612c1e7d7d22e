import Cluster
import Foundation
import NIOCore
import Testing
import Wire

struct BodyEditTests {
    private static let vocabulary = Vocabulary()

    private func edited(_ body: String, model: String, splitAt splits: [Int]) throws -> String {
        let bytes = Array(body.utf8)
        var scan = RequestScan(Self.vocabulary)
        var pieces: [ByteBuffer] = []
        var start = 0
        for end in splits + [bytes.count] {
            bytes[start..<end].withUnsafeBytes { scan.read($0) }
            pieces.append(ByteBuffer(bytes: bytes[start..<end]))
            start = end
        }
        guard case .request(let request) = scan.finish() else {
            Issue.record("\(body) is no request")
            return ""
        }
        let edited = BodyEdit(model: model, in: request).applied(to: pieces)
        return String(decoding: edited.flatMap { Array($0.readableBytesView) }, as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"model":"auto","x":1}"#, #"{"model":"p","x":1}"#), (#"{ "model" : null }"#, #"{ "model" : "p" }"#),
        (#"{"x":1}"#, #"{"model":"p","x":1}"#), (#"{}"#, #"{"model":"p"}"#), (#" { } "#, #" {"model":"p" } "#),
        (#"{"model":"plan","model":"auto"}"#, #"{"model":"p","model":"p"}"#),
        (
            #"{"model":{"a":["b"]},"model":"auto","model":[],"model":null}"#,
            #"{"model":"p","model":"p","model":"p","model":"p"}"#
        ),
        (#"{"x":{"model":"no"},"model":""}"#, #"{"x":{"model":"no"},"model":"p"}"#),
        (
            #"{"big":12345678901234567890,"model":"auto","é":"\u00e9"}"#,
            #"{"big":12345678901234567890,"model":"p","é":"\u00e9"}"#
        ),
    ])
    func onlyTheModelChangesWhereverTheBodyIsSplit(_ body: String, _ expected: String) throws {
        for first in 0...body.utf8.count {
            for second in first...body.utf8.count {
                #expect(try edited(body, model: "p", splitAt: [first, second]) == expected)
            }
        }
    }

    @Test func aModelNameCannotBreakOutOfItsString() throws {
        let name = "a\"b\\c\n\u{1}é"
        let text = try edited(#"{"model":"auto"}"#, model: name, splitAt: [])
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
        #expect(object == ["model": name])
    }
}

struct EndpointTests {
    @Test(arguments: [
        ("http://127.0.0.1:10102", "http://127.0.0.1:10102"), ("http://h", "http://h:80"),
        ("HTTP://h:1/", "http://h:1"),
        ("http://h:1/pre/fix//", "http://h:1/pre/fix"), ("http://[::1]:5", "http://[::1]:5"),
    ])
    func aURLIsRead(_ url: String, _ shown: String) {
        #expect(Endpoint(url: url)?.description == shown)
    }

    @Test(arguments: [
        "", "h:1", "https://h", "http://", "http://h:0", "http://h:65536", "http://h:x", "http://[::1", "http://a b",
        "http://h/x?y",
    ])
    func anythingElseIsNone(_ url: String) {
        #expect(Endpoint(url: url) == nil)
    }
}
