/// Takes an event stream apart, in whatever pieces its bytes come.
///
/// A message is: its length and that of its headers, the checksum of these two; the headers; the payload; the checksum of
/// all before. Numbers are big-endian. Nothing is believed of a message before its checksum is right, and of its lengths
/// before theirs is. After a failure the decoder gives the same failure for ever.
package struct EventFrameDecoder: Sendable {
    /// Bytes. The format's own are 128 KiB of headers and 24 MiB of payload.
    package struct Limits: Equatable, Sendable {
        package var headers = 128 << 10
        package var payload = 24 << 20

        package init() {}

        package init(headers: Int, payload: Int) {
            self.headers = headers
            self.payload = payload
        }
    }

    /// Bytes of the two lengths and their checksum.
    private static let preludeLength = 12
    private static let checksumLength = 4

    private let limits: Limits
    private var buffer: [UInt8] = []
    /// Where in ``buffer`` the first message begins that has not been given out.
    private var start = 0
    private var failure: EventFrameFailure?
    /// Of the first message, once its prelude has been read.
    private var lengths: (total: Int, headers: Int)?

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Bytes that are kept for a message that is not whole yet.
    package var buffered: Int { buffer.count - start }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard failure == nil else { return }
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// - Returns: the next message; nil until more bytes have come.
    package mutating func next() throws(EventFrameFailure) -> EventFrame? {
        if let failure { throw failure }
        do {
            return try read()
        } catch {
            failure = error
            buffer = []
            start = 0
            throw error
        }
    }

    /// The bytes have ended.
    ///
    /// - Throws: what is wrong with that.
    package mutating func finish() throws(EventFrameFailure) {
        if let failure { throw failure }
        guard buffered > 0 else { return }
        let failure = EventFrameFailure.cut(after: buffered)
        self.failure = failure
        throw failure
    }

    private mutating func read() throws(EventFrameFailure) -> EventFrame? {
        if lengths == nil { lengths = try readPrelude() }
        guard let (total, headersLength) = lengths, buffered >= total else { return nil }
        let message = buffer[start..<start + total]
        let body = message.dropLast(Self.checksumLength)
        guard Self.checksum(body) == Self.number(message.suffix(Self.checksumLength)) else {
            throw .messageChecksum
        }
        let rest = body.dropFirst(Self.preludeLength)
        let frame = EventFrame(
            headers: try EventHeaderReader.headers(rest.prefix(headersLength)),
            payload: Array(rest.dropFirst(headersLength)))
        start += total
        lengths = nil
        return frame
    }

    private func readPrelude() throws(EventFrameFailure) -> (total: Int, headers: Int)? {
        guard buffered >= Self.preludeLength else { return nil }
        let prelude = buffer[start..<start + Self.preludeLength]
        guard Self.checksum(prelude.prefix(8)) == Self.number(prelude.suffix(4)) else { throw .preludeChecksum }
        let total = Int(Self.number(prelude.prefix(4)))
        let headers = Int(Self.number(prelude.dropFirst(4).prefix(4)))
        let payload = total - headers - Self.preludeLength - Self.checksumLength
        guard headers <= limits.headers, (0...limits.payload).contains(payload) else {
            throw .lengths(total: total, headers: headers)
        }
        return (total, headers)
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var checksum = CRC32()
        bytes.withUnsafeBufferPointer { checksum.update($0) }
        return checksum.value
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
}

/// The headers of one message: a name's length in one byte, the name, a type, a value.
private struct EventHeaderReader {
    private var rest: ArraySlice<UInt8>

    static func headers(_ bytes: ArraySlice<UInt8>) throws(EventFrameFailure) -> [EventFrame.Header] {
        var reader = EventHeaderReader(rest: bytes)
        var headers: [EventFrame.Header] = []
        var names: Set<String> = []
        while !reader.rest.isEmpty {
            let name = try reader.text(try reader.count(1))
            guard !name.isEmpty else { throw .malformedHeader }
            guard names.insert(name).inserted else { throw .repeatedHeader(name) }
            headers.append(EventFrame.Header(name, try reader.value()))
        }
        return headers
    }

    private mutating func value() throws(EventFrameFailure) -> EventFrame.Value {
        let type = UInt8(try count(1))
        switch type {
        case 0: return .bool(true)
        case 1: return .bool(false)
        case 2: return .byte(Int8(truncatingIfNeeded: try integer(1)))
        case 3: return .short(Int16(truncatingIfNeeded: try integer(2)))
        case 4: return .int(Int32(truncatingIfNeeded: try integer(4)))
        case 5: return .long(try integer(8))
        case 6: return .bytes(Array(try take(try count(2))))
        case 7: return .text(try text(try count(2)))
        case 8: return .timestamp(try integer(8))
        case 9: return .uuid(Array(try take(16)))
        default: throw .unknownHeaderType(type)
        }
    }

    private mutating func take(_ count: Int) throws(EventFrameFailure) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw .malformedHeader }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// The bits of a number of so many bytes; those above them are zero.
    private mutating func integer(_ size: Int) throws(EventFrameFailure) -> Int64 {
        try take(size).reduce(0) { $0 << 8 | Int64($1) }
    }

    private mutating func count(_ size: Int) throws(EventFrameFailure) -> Int { Int(try integer(size)) }

    private mutating func text(_ count: Int) throws(EventFrameFailure) -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else { throw .malformedHeader }
        return text
    }
}
