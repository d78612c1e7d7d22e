import Wire

/// A stream of the service's events, turned into the client's: bytes in, bytes out.
struct BedrockStream: Sendable {
    static let head = ReplyHead(
        status: 200, fields: ["content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"])

    /// Bytes of one event's payload. The service's are a few hundred; whatever is longer than this would only fill memory.
    private static let payloadLimit = 4 << 20

    private var decoder = EventFrameDecoder(.init(headers: 128 << 10, payload: payloadLimit))
    private var translation: ConverseStream

    init(_ translation: ConverseStream) { self.translation = translation }

    /// Whether the client has all, and nothing is read any more.
    var isOver: Bool { translation.isOver }

    /// - Returns: what the client gets for it.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard !isOver else { return [] }
        decoder.append(bytes)
        var text: [UInt8] = []
        do throws(EventFrameFailure) {
            while let frame = try decoder.next() { text += take(frame) }
        } catch {
            text += broke("\(error)")
        }
        return text
    }

    private mutating func take(_ frame: EventFrame) -> [UInt8] {
        switch frame[":message-type"] {
        case "exception":
            translation.take(eventType: frame[":exception-type"] ?? "", isException: true, payload: frame.payload)
        case "error":
            translation.fail(
                ConverseFailure(
                    code: frame[":error-code"] ?? "unknown",
                    message: "AWS Bedrock broke off: \(frame[":error-message"] ?? "no explanation")"))
        default:
            translation.take(eventType: frame[":event-type"] ?? "", isException: false, payload: frame.payload)
        }
    }

    /// The service has closed its reply.
    mutating func end() -> [UInt8] {
        do throws(EventFrameFailure) {
            try decoder.finish()
            return translation.end(.complete)
        } catch { return broke("\(error)") }
    }

    /// The connection has ended.
    mutating func lost() -> [UInt8] { translation.end(.lost) }

    /// Nothing that can be read comes any more.
    private mutating func broke(_ reason: String) -> [UInt8] {
        translation.fail(
            ConverseFailure(
                code: ConverseFailure.unreadable.code,
                message: "The event stream of AWS Bedrock cannot be read: \(reason)."))
    }
}
