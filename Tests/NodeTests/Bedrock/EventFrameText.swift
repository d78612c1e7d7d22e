import Node

/// Writes event streams, with a checksum of its own so that the decoder's is not compared with itself.
enum EventFrameText {
    static func bigEndian(_ value: Int, _ size: Int) -> [UInt8] {
        (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        var register: UInt32 = ~0
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register & 1 == 0 ? register >> 1 : register >> 1 ^ 0xEDB8_8320 }
        }
        return bigEndian(Int(~register), 4)
    }

    /// With right checksums, whatever the lengths say.
    static func sealed(total: Int, headers: Int, _ body: [UInt8]) -> [UInt8] {
        var bytes = bigEndian(total, 4) + bigEndian(headers, 4)
        bytes += checksum(bytes)
        bytes += body
        return bytes + checksum(bytes)
    }

    static func message(headers: [UInt8] = [], payload: [UInt8] = []) -> [UInt8] {
        sealed(total: 16 + headers.count + payload.count, headers: headers.count, headers + payload)
    }

    static func message(_ frame: EventFrame) -> [UInt8] {
        message(headers: frame.headers.flatMap(header), payload: frame.payload)
    }

    static func event(_ type: String, _ json: String) -> [UInt8] {
        message(
            EventFrame(
                headers: [
                    .init(":event-type", .text(type)), .init(":content-type", .text("application/json")),
                    .init(":message-type", .text("event")),
                ], payload: Array(json.utf8)))
    }

    static func exception(_ type: String, _ json: String) -> [UInt8] {
        message(
            EventFrame(
                headers: [.init(":exception-type", .text(type)), .init(":message-type", .text("exception"))],
                payload: Array(json.utf8)))
    }

    static func header(_ header: EventFrame.Header) -> [UInt8] {
        [UInt8(header.name.utf8.count)] + Array(header.name.utf8) + value(header.value)
    }

    private static func value(_ value: EventFrame.Value) -> [UInt8] {
        switch value {
        case .bool(let value): [value ? 0 : 1]
        case .byte(let value): [2, UInt8(bitPattern: value)]
        case .short(let value): [3] + bigEndian(Int(value), 2)
        case .int(let value): [4] + bigEndian(Int(value), 4)
        case .long(let value): [5] + bigEndian(Int(value), 8)
        case .bytes(let value): [6] + bigEndian(value.count, 2) + value
        case .text(let value): [7] + bigEndian(value.utf8.count, 2) + Array(value.utf8)
        case .timestamp(let value): [8] + bigEndian(Int(value), 8)
        case .uuid(let value): [9] + value
        }
    }
}
