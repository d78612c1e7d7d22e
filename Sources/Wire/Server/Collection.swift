import NIOCore

/// A body that is being read before its request is routed.
struct Collection {
    private(set) var scan: RequestScan
    private(set) var pieces: [ByteBuffer] = []
    private(set) var size = 0

    init(_ scan: RequestScan) { self.scan = scan }

    mutating func append(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { scan.read($0) }
        size += bytes.readableBytes
        // Chunks of a byte each would cost far more memory as pieces than as bytes.
        if bytes.readableBytes < Self.smallPiece, let last = pieces.indices.last,
            pieces[last].readableBytes < Self.joinedPiece
        {
            pieces[last].writeImmutableBuffer(bytes)
        } else {
            pieces.append(bytes)
        }
    }

    mutating func finish() -> ScanOutcome {
        if scan.mustBeRepeated {
            scan.restartWithoutSkipping()
            for piece in pieces { piece.withUnsafeReadableBytes { scan.read($0) } }
        }
        return scan.finish()
    }

    /// The text of the last `model`, when that is a string without escapes; with escapes as it is written.
    func modelName(in outcome: ScanOutcome) -> String? {
        guard case .request(let request) = outcome, request.model == .concrete, let range = request.modelRanges.last,
            range.count >= 2, range.count <= Self.modelNameLimit
        else { return nil }
        var text: [UInt8] = []
        var offset = 0
        for piece in pieces {
            let low = max(range.lowerBound, offset)
            let high = min(range.upperBound, offset + piece.readableBytes)
            if low < high {
                text += piece.readableBytesView.dropFirst(low - offset).prefix(high - low)
            }
            offset += piece.readableBytes
        }
        let quote = UInt8(ascii: "\"")
        guard text.first == quote, text.last == quote else { return nil }
        return String(decoding: text.dropFirst().dropLast(), as: UTF8.self)
    }

    /// Bytes: smaller pieces are joined to the one before, up to a size.
    private static let smallPiece = 2 << 10
    private static let joinedPiece = 32 << 10

    /// Bytes; longer ones name no tier.
    private static let modelNameLimit = 512
}
