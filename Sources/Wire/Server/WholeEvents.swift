package import NIOCore

/// Passes server-sent events on whole: what has come of an event waits for its end, so that a stream that breaks off can
/// always be told so by an event more.
///
/// An event longer than ``limit`` is passed on as it comes: nothing more is promised of it. A line may end with LF or CRLF.
/// What is held is a slice of the read that brought it; only an event that comes in several reads is copied.
package struct WholeEvents {
    /// Bytes that are held at most: as much as one stream may have in memory.
    package static let limit = 256 << 10

    private var held = ByteBuffer()
    /// The last two bytes that came.
    private var last: (UInt8, UInt8) = (0, 0)
    /// Whether a part of an event has been passed on whose end has not come.
    package private(set) var isWithinEvent = false

    package init() {}

    /// - Parameter pass: called for what goes on now, in order; it may be called more than once.
    package mutating func take(_ bytes: ByteBuffer, _ pass: (ByteBuffer) -> Void) {
        let (count, whole) = (bytes.readableBytes, endOfLastEvent(in: bytes))
        guard count > 0 else { return }
        noteEnd(of: bytes)
        var rest = bytes
        if whole > 0 {
            isWithinEvent = false
            release(pass)
            if whole == count { return pass(bytes) }
            if let slice = rest.readSlice(length: whole) { pass(slice) }
        }
        if isWithinEvent { return pass(rest) }
        if held.readableBytes == 0 { held = rest } else { held.writeImmutableBuffer(rest) }
        if held.readableBytes > Self.limit {
            isWithinEvent = true
            release(pass)
        }
    }

    /// Passes on what is held, whole or not.
    package mutating func release(_ pass: (ByteBuffer) -> Void) {
        guard held.readableBytes > 0 else { return }
        let bytes = held
        held = ByteBuffer()
        pass(bytes)
    }

    /// The line that an event begins with which a router says of itself while a client waits: who passes it on has no reply
    /// yet. To a client it is a comment.
    package static let noteMark = ": waiting\n"

    /// What may come before a reply.
    package enum Foreword: Equatable, Sendable {
        /// An event that begins with ``noteMark``.
        case note(ByteBuffer)
        case comment
    }

    /// Takes off what stands before a reply, event by event; nil where the reply begins, or a comment is not whole.
    package static func takeForeword(_ bytes: inout ByteBuffer) -> Foreword? {
        let view = bytes.readableBytesView
        guard view.first == UInt8(ascii: ":") else { return nil }
        var end = view.startIndex + 1
        while end < view.endIndex, view[end - 1] != 0x0A || view[end] != 0x0A { end += 1 }
        guard end < view.endIndex, let event = bytes.getSlice(at: view.startIndex, length: end + 1 - view.startIndex)
        else { return nil }
        let isNote = view.starts(with: noteMark.utf8)
        guard isNote || !hasEvent(event) else { return nil }
        bytes.moveReaderIndex(forwardBy: event.readableBytes)
        return isNote ? .note(event) : .comment
    }

    /// Whether there is more than comments and empty lines.
    ///
    /// - Parameter bytes: as they were passed, beginning with a line.
    package static func hasEvent(_ bytes: ByteBuffer) -> Bool {
        bytes.withUnsafeReadableBytes { bytes in
            var isLineStart = true
            for byte in bytes {
                let isEnd = byte == 0x0A || byte == 0x0D
                if isLineStart, !isEnd, byte != UInt8(ascii: ":") { return true }
                isLineStart = isEnd
            }
            return false
        }
    }

    /// Number of the bytes that end with the last empty line; 0 where there is none.
    private func endOfLastEvent(in bytes: ByteBuffer) -> Int {
        bytes.withUnsafeReadableBytes { bytes in
            func byte(_ index: Int) -> UInt8 { index >= 0 ? bytes[index] : index == -1 ? last.1 : last.0 }
            var end = bytes.count
            while end > 0 {
                if bytes[end - 1] == 0x0A {
                    let before = byte(end - 2)
                    if before == 0x0A || before == 0x0D && end - 3 >= -2 && byte(end - 3) == 0x0A { return end }
                }
                end -= 1
            }
            return 0
        }
    }

    private mutating func noteEnd(of bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { bytes in
            guard let newest = bytes.last else { return }
            last = (bytes.count > 1 ? bytes[bytes.count - 2] : last.1, newest)
        }
    }
}
