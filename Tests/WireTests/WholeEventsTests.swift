import NIOCore
import Testing
import Wire

struct WholeEventsTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// What comes, read by read.
        var reads: [String]
        /// All that has gone on after each of them.
        var passed: [String]
        var isWithinEvent = false
    }

    static let examples = [
        Example(testDescription: "a whole event", reads: ["data: a\n\n"], passed: ["data: a\n\n"]),
        Example(testDescription: "half an event", reads: ["data: a"], passed: [""]),
        Example(
            testDescription: "the other half", reads: ["data: a", "b\n\n"], passed: ["", "data: ab\n\n"]),
        Example(
            testDescription: "a whole one, and a half", reads: ["data: a\n\ndata: b", "\n\nd"],
            passed: ["data: a\n\n", "data: a\n\ndata: b\n\n"]),
        Example(
            testDescription: "an empty line in two reads", reads: ["data: a\n", "\ndata: b"],
            passed: ["", "data: a\n\n"]),
        Example(
            testDescription: "an event of two lines", reads: ["event: x\ndata: a\n", "data: b\n", "\n"],
            passed: ["", "", "event: x\ndata: a\ndata: b\n\n"]),
        Example(
            testDescription: "CRLF, bit by bit", reads: ["data: a\r", "\n", "\r", "\n", "data: b\r\n"],
            passed: ["", "", "", "data: a\r\n\r\n", "data: a\r\n\r\n"]),
        Example(
            testDescription: "CRLF at once", reads: ["data: a\r\n\r\ndata: b\r\n"], passed: ["data: a\r\n\r\n"]),
        Example(testDescription: "a comment", reads: [": ping\n\n", ": pi"], passed: [": ping\n\n", ": ping\n\n"]),
        Example(
            testDescription: "a read of nothing", reads: ["data: a", "", "\n\n"], passed: ["", "", "data: a\n\n"]),
        Example(
            testDescription: "an event that is too long goes on as it comes",
            reads: [String(repeating: "x", count: WholeEvents.limit), "y", "z", "\n\ndata: a"],
            passed: ["", "yes", "yes", "no"], isWithinEvent: false),
        Example(
            testDescription: "an event that is too long and has no end",
            reads: [String(repeating: "x", count: WholeEvents.limit + 1), "z"], passed: ["yes", "yes"],
            isWithinEvent: true
        ),
    ]

    @Test(arguments: examples)
    func `What goes on ends with an event`(_ example: Example) {
        var events = WholeEvents()
        var (passed, came) = ("", "")
        for (read, expected) in zip(example.reads, example.passed) {
            came += read
            events.take(ByteBuffer(string: read)) { passed += String(buffer: $0) }
            switch expected {
            case "yes": #expect(passed == came)
            case "no": #expect(passed == came.dropLast("data: a".count))
            default: #expect(passed == expected)
            }
        }
        #expect(events.isWithinEvent == example.isWithinEvent)
        events.release { passed += String(buffer: $0) }
        #expect(passed == came)
    }

    @Test func `Cut anywhere, a stream goes on in whole events and in order`() {
        let stream = Array("data: {\"a\":1}\n\n: ping\r\n\r\nevent: x\ndata: b\n\n\ndata: [DONE]\n\n".utf8)
        for first in 0...stream.count {
            for second in first...stream.count {
                var events = WholeEvents()
                var passed: [UInt8] = []
                for part in [stream[..<first], stream[first..<second], stream[second...]] {
                    events.take(ByteBuffer(bytes: part)) { passed += $0.readableBytesView }
                    #expect(passed.isEmpty || passed.last == 0x0A && stream.starts(with: passed))
                    #expect(!events.isWithinEvent)
                }
                #expect(passed == stream)
            }
        }
    }

    @Test(
        "What stands before a reply is taken off event by event",
        arguments: [
            (
                ": waiting\ndata: a\n\n: ping\n\n: waiting\ndata: b\n\ndata: c\n\n",
                [": waiting\ndata: a\n\n", "", ": waiting\ndata: b\n\n"]
            ),
            ("data: a\n\n: waiting\ndata: b\n\n", []), (": waiting\ndata: a\n", []), (": ping\ndata: a\n\n", []),
            (": ping\n\n", [""]), ("", []),
        ])
    func foreword(_ text: String, _ expected: [String]) {
        var bytes = ByteBuffer(string: text)
        var taken: [String] = []
        while let foreword = WholeEvents.takeForeword(&bytes) {
            if case .note(let note) = foreword { taken.append(String(buffer: note)) } else { taken.append("") }
        }
        #expect(taken == expected)
        #expect(text.hasSuffix(String(buffer: bytes)))
    }

    @Test func `A whole event is passed on without being copied`() {
        var events = WholeEvents()
        let read = ByteBuffer(string: "data: a\n\ndata: b")
        let address = read.withUnsafeReadableBytes { $0.baseAddress }
        events.take(read) { passed in
            #expect(passed.withUnsafeReadableBytes { $0.baseAddress } == address)
        }
    }
}
