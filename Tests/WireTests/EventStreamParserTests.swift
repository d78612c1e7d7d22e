import Testing
import Wire

struct EventStreamParserTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text: String
        var events: [ServerSentEvent]

        init(_ description: String, _ text: String, _ events: [ServerSentEvent]) {
            testDescription = description
            self.text = text
            self.events = events
        }
    }

    static let examples = [
        Example("one event", "data: a\n\n", [.init(data: "a")]),
        Example(
            "CR, LF and CRLF", "event: x\rdata: 1\r\rdata: 2\r\n\r\ndata: 3\n\n",
            [
                .init(name: "x", data: "1"), .init(data: "2"), .init(data: "3"),
            ]),
        Example("CRLF counts once", "data: a\r\ndata: b\r\n\r\n", [.init(data: "a\nb")]),
        Example("several lines of data", "data: a\ndata:\ndata: c\n\n", [.init(data: "a\n\nc")]),
        Example(
            "one space after the colon is dropped", "data:a\n\ndata:  b\n\n", [.init(data: "a"), .init(data: " b")]),
        Example("comments and unknown fields", ": ping\nid: 7\nretry: 1\nfoo\ndata: a\n: b\n\n", [.init(data: "a")]),
        Example("a name without data is no event", "event: x\n\ndata: a\n\n", [.init(data: "a")]),
        Example("empty data is an event", "data\n\ndata:\n\n", [.init(data: ""), .init(data: "")]),
        Example("an event that is not ended is none", "data: a\n\ndata: b\n", [.init(data: "a")]),
        Example("a mark of byte order", "\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n", [.init(data: "a")]),
        Example("more bytes than characters", "data: zażółć 🦙\n\n", [.init(data: "zażółć 🦙")]),
        Example("blank lines only", "\n\n\r\n\r\r\n", []),
        Example(
            "llama-swap's states", "event:message\ndata:{\"type\":\"modelStatus\",\"data\":\"[]\"}\n\n",
            [.init(data: #"{"type":"modelStatus","data":"[]"}"#)]),
    ]

    @Test(arguments: examples)
    func `Events are the same wherever the bytes are cut`(example: Example) throws {
        let bytes = Array(example.text.utf8)
        for cut in 0...bytes.count {
            var parser = EventStreamParser(limit: 100)
            var events = try parser.feed(bytes[..<cut])
            events += try parser.feed(bytes[cut...])
            #expect(events == example.events, "cut at \(cut)")
        }
        var parser = EventStreamParser(limit: 100)
        var events: [ServerSentEvent] = []
        for byte in bytes { events += try parser.feed([byte]) }
        #expect(events == example.events)
    }

    @Test(arguments: [
        "data: " + String(repeating: "a", count: 60),
        String(repeating: "data: aaaaaaaaa\n", count: 10),
        ": " + String(repeating: "a", count: 70),
        String(repeating: "e", count: 65),
    ])
    func `What is too long ends the stream`(text: String) {
        var parser = EventStreamParser(limit: 64)
        #expect(throws: EventStreamParser.TooLong.self) { try parser.feed(text.utf8) }
    }

    @Test func `Many events may be longer than one may be`() throws {
        var parser = EventStreamParser(limit: 64)
        let text = String(repeating: "data: 0123456789\n\n", count: 1000)
        #expect(try parser.feed(text.utf8).count == 1000)
    }
}
