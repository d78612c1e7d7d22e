import Node
import RouterHarness
import Testing

@Suite("Event streams")
struct EventFrameDecoderTests {
    private struct Read: Equatable {
        var frames: [EventFrame] = []
        var failure: EventFrameFailure?
    }

    /// - Parameter sizes: of the pieces, used in turn.
    private func read(
        _ bytes: [UInt8], _ sizes: [Int] = [.max], limits: EventFrameDecoder.Limits = .init()
    ) -> Read {
        var decoder = EventFrameDecoder(limits)
        var read = Read()
        do throws(EventFrameFailure) {
            var rest = bytes[...]
            var turn = 0
            while !rest.isEmpty {
                let piece = Array(rest.prefix(sizes[turn % sizes.count]))
                rest = rest.dropFirst(piece.count)
                turn += 1
                piece.withUnsafeBytes { decoder.append($0) }
                while let frame = try decoder.next() { read.frames.append(frame) }
            }
            try decoder.finish()
        } catch { read.failure = error }
        return read
    }

    private static let everyType = EventFrame(
        headers: [
            .init("yes", .bool(true)), .init("no", .bool(false)), .init("byte", .byte(-2)),
            .init("short", .short(-300)),
            .init("int", .int(.min)), .init("long", .long(.min)), .init("bytes", .bytes([0, 255])),
            .init("text", .text("grüß ihn")), .init("time", .timestamp(1_700_000_000_123)),
            .init("uuid", .uuid(Array(1...16))),
        ], payload: Array("payload".utf8))

    private static let frames = [everyType, EventFrame(), EventFrame(payload: Array(repeating: 7, count: 70_000))]

    @Test(arguments: [[.max], [1], [2, 3], [11, 1, 4], [7], [4096, 1]])
    func `Headers of all types and payloads are read in any split`(sizes: [Int]) {
        #expect(read(Self.frames.flatMap(EventFrameText.message), sizes) == Read(frames: Self.frames))
    }

    @Test func `A message of the format's documentation is read`() {
        // An empty one, as the SDKs' test vectors have it.
        let bytes: [UInt8] = [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xC2, 0x48, 0xEB, 0x7D, 0x98, 0xC8, 0xFF]
        #expect(read(bytes) == Read(frames: [EventFrame()]))
    }

    @Test(arguments: 0..<200)
    func `Random splits change nothing`(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let frames = (0..<Int.random(in: 1...5, using: &generator)).map { number in
            EventFrame(
                headers: (0..<Int.random(in: 0...4, using: &generator)).map {
                    .init("h\($0)", .text(String(repeating: "x", count: number * 10)))
                }, payload: (0..<Int.random(in: 0...300, using: &generator)).map { UInt8(truncatingIfNeeded: $0) })
        }
        let sizes = (0..<7).map { _ in Int.random(in: 1...40, using: &generator) }
        #expect(read(frames.flatMap(EventFrameText.message), sizes) == Read(frames: frames))
    }

    @Test func `Every changed bit is noticed`() {
        let good = EventFrameText.message(Self.everyType)
        for bit in 0..<good.count * 8 {
            var bytes = good
            bytes[bit / 8] ^= 1 << (bit % 8)
            #expect(read(bytes).frames.isEmpty && read(bytes).failure != nil, "bit \(bit)")
        }
    }

    @Test func `A stream that ends in the middle of a message is cut, wherever that is`() {
        let first = EventFrameText.message(EventFrame(payload: [1]))
        let second = EventFrameText.message(Self.everyType)
        for count in 1..<second.count {
            let read = read(first + second.prefix(count), [5])
            #expect(read == Read(frames: [EventFrame(payload: [1])], failure: .cut(after: count)))
        }
    }

    @Test(arguments: [
        (0, 0), (15, 0), (16, 1), (20, 5), (0xFFFF_FFFF, 0), (0xFFFF_FFFF, 0xFFFF_FFFF), (16, 0xFFFF_FFFF),
        (16 + (24 << 20) + 1, 0), (1 << 20, (128 << 10) + 1),
    ])
    func `Lengths that cannot be are refused before anything is kept for them`(total: Int, headers: Int) {
        var decoder = EventFrameDecoder()
        EventFrameText.sealed(total: total, headers: headers, []).prefix(12).withUnsafeBytes { decoder.append($0) }
        #expect(throws: EventFrameFailure.lengths(total: total, headers: headers)) { try decoder.next() }
        #expect(decoder.buffered == 0)
    }

    @Test func `A payload that is longer than the reader wants is refused`() {
        let bytes = EventFrameText.message(payload: [1, 2, 3])
        let limits = EventFrameDecoder.Limits(headers: 0, payload: 2)
        #expect(read(bytes, limits: limits) == Read(failure: .lengths(total: 19, headers: 0)))
    }

    @Test(arguments: [
        ([1, 0x61, 10], EventFrameFailure.unknownHeaderType(10)), ([1, 0x61, 255], .unknownHeaderType(255)),
        ([0, 0], .malformedHeader), ([5, 0x61], .malformedHeader), ([1, 0x61], .malformedHeader),
        ([1, 0x61, 7, 0, 5, 0x61], .malformedHeader), ([1, 0x61, 7, 0, 1, 0xFF], .malformedHeader),
        ([1, 0xFF, 0], .malformedHeader), ([1, 0x61, 9, 1, 2], .malformedHeader),
        ([1, 0x61, 0, 1, 0x61, 1], .repeatedHeader("a")),
    ])
    func `Headers that cannot be read are refused`(headers: [UInt8], failure: EventFrameFailure) {
        #expect(read(EventFrameText.message(headers: headers)) == Read(failure: failure))
    }

    @Test func `After a failure nothing is read any more`() {
        var decoder = EventFrameDecoder()
        func feed(_ bytes: [UInt8]) { bytes.withUnsafeBytes { decoder.append($0) } }
        feed(Array(repeating: 0, count: 12))
        #expect(throws: EventFrameFailure.preludeChecksum) { try decoder.next() }
        feed(EventFrameText.message(EventFrame()))
        #expect(throws: EventFrameFailure.preludeChecksum) { try decoder.next() }
        #expect(throws: EventFrameFailure.preludeChecksum) { try decoder.finish() }
        #expect(decoder.buffered == 0)
    }
}
