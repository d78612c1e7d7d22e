package import NIOCore

/// Replacements in a body that goes on otherwise as it came.
package struct BodyEdit: Sendable, Equatable {
    /// Ascending, not overlapping; counted in bytes from the start of the body.
    private let ranges: [Range<Int>]
    private let replacement: ByteBuffer

    /// Makes `model` the value of a request's `model` member.
    ///
    /// Every `model` that the object has is replaced, since parsers disagree about which of two counts; where it has
    /// none, one is put in as the first.
    package init(model: String, in request: ScannedRequest) {
        if request.modelRanges.isEmpty {
            ranges = [request.insertionPoint..<request.insertionPoint]
            replacement = ByteBuffer(string: "\"model\":\(model.jsonQuoted)\(request.isEmptyObject ? "" : ",")")
        } else {
            ranges = request.modelRanges
            replacement = ByteBuffer(string: model.jsonQuoted)
        }
    }

    /// - Parameter pieces: the body, in the pieces it came in.
    /// - Returns: the edited body; untouched bytes share their memory with `pieces`.
    package func applied(to pieces: [ByteBuffer]) -> [ByteBuffer] {
        var source = Pieces(pieces)
        var result: [ByteBuffer] = []
        result.reserveCapacity(pieces.count + 2 * ranges.count)
        for range in ranges {
            source.pass(upTo: range.lowerBound) { result.append($0) }
            result.append(replacement)
            source.pass(upTo: range.upperBound) { _ in }
        }
        source.pass(upTo: .max) { result.append($0) }
        return result
    }
}

/// Bytes in several buffers, taken from the front.
private struct Pieces {
    private var rest: ArraySlice<ByteBuffer>
    private var offset = 0

    init(_ pieces: [ByteBuffer]) { rest = pieces[...] }

    /// Hands on everything before `end`, an offset into the whole.
    mutating func pass(upTo end: Int, _ take: (ByteBuffer) -> Void) {
        while offset < end, var piece = rest.first {
            let wanted = min(end - offset, piece.readableBytes)
            if let slice = piece.readSlice(length: wanted), wanted > 0 { take(slice) }
            offset += wanted
            if piece.readableBytes == 0 { rest.removeFirst() } else { rest[rest.startIndex] = piece }
        }
    }
}
