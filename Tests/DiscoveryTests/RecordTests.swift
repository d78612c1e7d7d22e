import Discovery
import Testing

struct RecordTests {
    private static func labels(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    @Test func aServiceRecordNamesHostAndPort() {
        let bytes: [UInt8] = [0, 0, 0, 0, 0x27, 0x77] + Self.labels("Studio-2.local")
        #expect(RecordData(.service, bytes) == .service(host: "studio-2.local", port: 10103))
    }

    @Test(
        arguments: [
            [],
            [0, 0, 0, 0, 0x27, 0x77],
            [0, 0, 0, 0, 0x27, 0x77, 0],
            // No port.
            [0, 0, 0, 0, 0, 0] + labels("a.local"),
            // Not ended, ended too early, a pointer.
            [0, 0, 0, 0, 0, 1, 1, 97],
            [0, 0, 0, 0, 0, 1, 1, 97, 0, 97],
            [0, 0, 0, 0, 0, 1, 0xc0, 12],
            [0, 0, 0, 0, 0, 1, 9, 97, 0],
            // Names that no host has.
            [0, 0, 0, 0, 0, 1] + labels("a b.local"), [0, 0, 0, 0, 0, 1, 3, 97, 46, 98, 0],
            [0, 0, 0, 0, 0, 1] + labels(Array(repeating: "abcdefghi", count: 30).joined(separator: ".")),
        ] as [[UInt8]])
    func aMalformedServiceRecordIsNone(_ bytes: [UInt8]) {
        #expect(RecordData(.service, bytes) == nil)
    }

    @Test(
        arguments: [
            ([3, 97, 61, 98, 1, 99], ["a=b", "c"]), ([0], []), ([], []), ([1, 0xff], ["\u{fffd}"]),
        ] as [([UInt8], [String])])
    func textIsReadInItsOrder(_ bytes: [UInt8], _ expected: [String]) {
        #expect(RecordData(.text, bytes) == .text(expected))
    }

    @Test(arguments: [[5, 97], [1], [UInt8](repeating: 0, count: 1301)] as [[UInt8]])
    func malformedTextIsNone(_ bytes: [UInt8]) {
        #expect(RecordData(.text, bytes) == nil)
    }

    @Test(arguments: [["v=1", "tiers=a,b"], [], ["ü=ß"]])
    func writtenTextIsReadBack(_ entries: [String]) {
        #expect(RecordData(.text, RecordData.bytes(ofText: entries)) == .text(entries))
    }

    @Test func textThatNoEntryCanHoldIsLeftOut() {
        #expect(RecordData.bytes(ofText: [String(repeating: "a", count: 256), "", "b"]) == [1, 98])
    }

    @Test(arguments: [(RecordData.Kind.ipv4, 4), (.ipv6, 16)])
    func anAddressHasItsLength(_ kind: RecordData.Kind, _ count: Int) throws {
        let bytes = [UInt8](repeating: 7, count: count)
        #expect(RecordData(kind, bytes) == .address(try #require(IPAddress(bytes: bytes))))
        #expect(RecordData(kind, bytes + [7]) == nil)
        #expect(RecordData(kind, bytes.dropLast()) == nil)
    }

    @Test(arguments: [
        ("studio", #"studio._llmstack._tcp.local"#), ("My Mac", #"My\032Mac._llmstack._tcp.local"#),
        ("a.b\\c", #"a\.b\\c._llmstack._tcp.local"#), ("ü #2", #"\195\188\032\0352._llmstack._tcp.local"#),
    ])
    func anInstancesFullNameIsEscaped(_ name: String, _ expected: String) {
        #expect(ServiceName.full(name, type: "_llmstack._tcp", domain: "local.") == expected)
    }

    @Test(arguments: [
        ("studio", "studio #2"), ("studio #2", "studio #3"), ("studio #9", "studio #10"), ("studio #x", "studio #x #2"),
        ("# #2", "# #3"), (" #2", "llmstack #3"), ("a #1", "a #1 #2"),
        (String(repeating: "a", count: 63), String(repeating: "a", count: 60) + " #2"),
        (String(repeating: "ü", count: 31), String(repeating: "ü", count: 30) + " #2"),
    ])
    func theNextNameAfterACollision(_ name: String, _ expected: String) {
        let next = ServiceName.alternative(to: name)
        #expect(next == expected)
        #expect(next.utf8.count <= ServiceName.longest)
    }

    @Test(arguments: [
        ("", "llmstack"), ("  ", "llmstack"), (String(repeating: "ü", count: 40), String(repeating: "ü", count: 31)),
    ])
    func anyNameIsMadeToFit(_ name: String, _ expected: String) {
        #expect(ServiceName.fitting(name) == expected)
    }
}
