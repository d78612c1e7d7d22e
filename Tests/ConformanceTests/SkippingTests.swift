import Cluster
import Coordinator
import Foundation
import Testing
import Wire

/// Reading only what can still change the decision must not change it.
struct SkippingTests {
    private static let fragments = [
        "plain words here ", "design it ", "fix the bug ", "[nofilter] ", "\nuncensored: ", "[ultra] ", "`", "```",
        "\n", "edit ",
        "é漢😀 ", "should we ", "x ", "opus: ", "\\n\\tnofilter : ", "[heretic", "] ",
    ]

    private static func facts(_ body: [UInt8], _ vocabulary: Vocabulary, skips: Bool, piece: Int) -> RequestFacts? {
        var scan = RequestScan(vocabulary, skips: skips)
        func readAll() {
            for start in stride(from: 0, to: body.count, by: piece) {
                body[start..<min(start + piece, body.count)].withUnsafeBytes { scan.read($0) }
            }
        }
        readAll()
        if scan.mustBeRepeated {
            scan.restartWithoutSkipping()
            readAll()
        }
        guard case .request(let request) = scan.finish() else { return nil }
        return request.facts
    }

    private static func randomText(_ random: inout SystemRandomNumberGenerator) -> String {
        let filler = String(
            repeating: "lorem ipsum ", count: Bool.random(using: &random) ? 0 : Int.random(in: 0...900, using: &random))
        let words = (0..<Int.random(in: 0...12, using: &random)).map { _ in
            fragments.randomElement(using: &random) ?? ""
        }
        return Bool.random(using: &random) ? filler + words.joined() : words.joined() + filler
    }

    @Test func aDecisionIsTheSameWithAndWithoutSkipping() throws {
        var random = SystemRandomNumberGenerator()
        let catalog = try Catalog.parse("[plan]\nhf_repo = a\nhf_file = b\nctx_size = 3000", file: "t")
        let table = try RoutingTable(catalog: catalog) { _ in nil }
        for _ in 0..<1500 {
            let messages = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                let role = ["user", "system", "assistant"].randomElement(using: &random) ?? "user"
                let text = Self.randomText(&random)
                let content: Any =
                    Bool.random(using: &random)
                    ? text : [["type": "text", "text": text], ["type": "text", "text": Self.randomText(&random)]]
                return ["role": role, "content": content]
            }
            let body = Array(
                try JSONSerialization.data(withJSONObject: ["messages": messages, "prompt": Self.randomText(&random)]))
            let full = try #require(Self.facts(body, table.vocabulary, skips: false, piece: body.count))
            for piece in [body.count, 4096, 100] {
                let skipped = try #require(Self.facts(body, table.vocabulary, skips: true, piece: piece))
                #expect(
                    table.ladder.decide(skipped) == table.ladder.decide(full),
                    "\(String(decoding: body, as: UTF8.self))")
                #expect(skipped.characters == full.characters)
                #expect(skipped.triggers == full.triggers)
            }
        }
    }

    @Test(arguments: [
        #"{"messages":[{"role":"user","content":"fix the bug"}],"prompt":"design it","messages":[]}"#,
        #"{"prompt":"edit it","messages":[{"role":"user","content":"design it"}],"prompt":"x"}"#,
        #"{"prompt":"edit it","messages":[{"role":"user","content":"design it"}],"prompt":null}"#,
    ])
    func whatIsTakenBackByALaterKeyDoesNotCount(_ body: String) throws {
        let table = try RoutingTable(catalog: Catalog()) { _ in nil }
        let facts = try #require(Self.facts(Array(body.utf8), table.vocabulary, skips: true, piece: 7))
        #expect(table.ladder.decide(facts).model == "plan")
    }
}
