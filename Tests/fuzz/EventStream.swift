// Compiled by deploy/lab/fuzz-event-stream together with Sources/Node/Bedrock/EventStream, as one module.

/// One input: the first byte says what is made of the rest.
///
/// - 0 modulo 4: bytes as they are, of which hardly any passes the first checksum.
/// - 1 modulo 4: the two lengths and a body, with right checksums.
/// - 2 modulo 4: headers of the length that they have and a payload, with right checksums: it gets as far as the headers.
/// - 3 modulo 4: two such messages, the second cut short.
///
/// Whatever comes of it must come of it in any split, and a message that is given out must have been in it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: data, count: count))
    guard let mode = input.first else { return 0 }
    let rest = input.dropFirst()
    let bytes: [UInt8]
    switch mode % 4 {
    case 0: bytes = Array(rest)
    case 1:
        bytes = sealed(total: number(rest.prefix(4)), headers: number(rest.dropFirst(4).prefix(4)), rest.dropFirst(8))
    case 2: bytes = message(rest)
    default:
        let half = rest.count / 2
        bytes = message(rest.prefix(half)) + message(rest.dropFirst(half)).dropLast(1 + half % 7)
    }
    let whole = outcome(bytes, step: bytes.count)
    let step = 1 + Int(mode) / 4 % 17
    precondition(outcome(bytes, step: step) == whole, "a split changes what is read")
    precondition(whole.frames.reduce(0) { $0 + $1.payload.count + 16 } <= bytes.count, "more is read than came")
    return 0
}

private struct Outcome: Equatable {
    var frames: [EventFrame] = []
    var failure: EventFrameFailure?
}

private func outcome(_ bytes: [UInt8], step: Int) -> Outcome {
    var decoder = EventFrameDecoder(.init(headers: 4 << 10, payload: 64 << 10))
    var outcome = Outcome()
    do throws(EventFrameFailure) {
        for start in stride(from: 0, to: bytes.count, by: max(1, step)) {
            let piece = Array(bytes[start..<min(start + step, bytes.count)])
            piece.withUnsafeBytes { decoder.append($0) }
            while let frame = try decoder.next() { outcome.frames.append(frame) }
            precondition(decoder.buffered <= (4 << 10) + (64 << 10) + 16 + step, "too much is kept")
        }
        try decoder.finish()
    } catch { outcome.failure = error }
    return outcome
}

private func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

private func message(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let headers = min(Int(bytes.first ?? 0), max(0, bytes.count - 1))
    return sealed(
        total: UInt32(max(0, bytes.count - 1) + 16), headers: UInt32(headers), bytes.dropFirst())
}

private func sealed(total: UInt32, headers: UInt32, _ body: ArraySlice<UInt8>) -> [UInt8] {
    func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
    func checksum(_ bytes: [UInt8]) -> [UInt8] {
        var checksum = CRC32()
        checksum.update(bytes)
        return bigEndian(checksum.value)
    }
    var bytes = bigEndian(total) + bigEndian(headers)
    bytes += checksum(bytes)
    bytes += body
    return bytes + checksum(bytes)
}
