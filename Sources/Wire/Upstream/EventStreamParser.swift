/// One event of a `text/event-stream`.
package struct ServerSentEvent: Equatable, Sendable {
    /// `message` where the server names none.
    package var name: String
    /// The lines of its data, joined by LF.
    package var data: String

    package init(name: String = "message", data: String) {
        self.name = name
        self.data = data
    }
}

/// Reads a `text/event-stream` (https://html.spec.whatwg.org/#event-stream-interpretation) that comes in pieces.
///
/// Fields other than `event` and `data` are passed over: nobody here resumes a stream.
package struct EventStreamParser: Sendable {
    /// An event, or a line of one, is longer than the limit.
    package struct TooLong: Error, Equatable {
        /// Bytes.
        package let limit: Int
    }

    private let limit: Int
    /// The line that is coming in.
    private var line: [UInt8] = []
    /// An LF now would belong to the CR before it.
    private var endedWithCR = false
    private var isFirstLine = true
    private var name: [UInt8] = []
    /// Each line of data with LF after it.
    private var data: [UInt8] = []

    /// - Parameter limit: bytes that an event may have; nothing beyond is kept.
    package init(limit: Int) { self.limit = limit }

    /// Takes the next bytes.
    ///
    /// - Returns: the events that are whole now.
    /// - Throws: ``TooLong``; the rest of the stream cannot be read then.
    package mutating func feed(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            switch byte {
            case 0x0A where endedWithCR: endedWithCR = false
            case 0x0A, 0x0D:
                endedWithCR = byte == 0x0D
                if let event = endLine() { events.append(event) }
            default:
                endedWithCR = false
                line.append(byte)
                if line.count + data.count > limit { throw TooLong(limit: limit) }
            }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer {
            line.removeAll(keepingCapacity: line.capacity <= Self.keptCapacity)
            isFirstLine = false
        }
        var text = line[...]
        if isFirstLine, text.starts(with: Self.byteOrderMark) { text = text.dropFirst(Self.byteOrderMark.count) }
        if text.isEmpty { return endEvent() }
        let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
        var value = text[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch text[..<colon] {
        case let field where field.elementsEqual("event".utf8): name = Array(value)
        case let field where field.elementsEqual("data".utf8):
            data += value
            data.append(0x0A)
        default: break
        }
        return nil
    }

    private mutating func endEvent() -> ServerSentEvent? {
        defer {
            name = []
            data.removeAll(keepingCapacity: data.capacity <= Self.keptCapacity)
        }
        guard !data.isEmpty else { return nil }
        return ServerSentEvent(
            name: name.isEmpty ? "message" : String(decoding: name, as: UTF8.self),
            data: String(decoding: data.dropLast(), as: UTF8.self))
    }

    /// Bytes of buffer that are kept from one event to the next: a large event is rare, and its buffer is given back.
    private static let keptCapacity = 16 << 10
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
}
