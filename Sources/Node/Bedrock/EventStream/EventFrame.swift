/// One message of `application/vnd.amazon.eventstream`
/// (https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html).
package struct EventFrame: Equatable, Sendable {
    package struct Header: Equatable, Sendable {
        package var name: String
        package var value: Value

        package init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }

    /// The ten types; two of them are the two truths.
    package enum Value: Equatable, Sendable {
        case bool(Bool)
        case byte(Int8)
        case short(Int16)
        case int(Int32)
        case long(Int64)
        case bytes([UInt8])
        case text(String)
        /// Milliseconds since 1970.
        case timestamp(Int64)
        /// 16 bytes.
        case uuid([UInt8])
    }

    package var headers: [Header]
    package var payload: [UInt8]

    package init(headers: [Header] = [], payload: [UInt8] = []) {
        self.headers = headers
        self.payload = payload
    }

    /// The header of that name, where it is a text.
    package subscript(_ name: String) -> String? {
        guard case .text(let text)? = headers.first(where: { $0.name == name })?.value else { return nil }
        return text
    }
}

/// What is wrong with the bytes of an event stream. Nothing after it can be read.
package enum EventFrameFailure: Error, Equatable, CustomStringConvertible {
    /// Lengths that contradict each other or are beyond all bounds, in bytes.
    case lengths(total: Int, headers: Int)
    case preludeChecksum
    case messageChecksum
    /// A header that runs over the end of the headers, has no name, or a text that is none.
    case malformedHeader
    case unknownHeaderType(UInt8)
    case repeatedHeader(String)
    /// The bytes end in the middle of a message: so many of it are there.
    case cut(after: Int)

    package var description: String {
        switch self {
        case .lengths(let total, let headers):
            "a message says that it has \(total) bytes, \(headers) of them headers, which cannot be"
        case .preludeChecksum: "the checksum of a message's first bytes is wrong"
        case .messageChecksum: "the checksum of a message is wrong"
        case .malformedHeader: "a message's headers cannot be read"
        case .unknownHeaderType(let type): "a header has the type \(type), which there is not"
        case .repeatedHeader(let name): "a message has the header \(name.debugDescription) twice"
        case .cut(let count): "it ends in the middle of a message, after \(count) bytes of it"
        }
    }
}
