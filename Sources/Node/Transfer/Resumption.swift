/// Whether and how a partial file can be continued: what to ask for, and what the reply means.
package struct Resumption: Equatable, Sendable {
    package let url: String
    /// Bytes that are asked for from: those before are there.
    package let offset: Int64
    private let origin: PartialOrigin?

    /// - Parameters:
    ///   - held: bytes of the partial file.
    ///   - origin: of what; nil when unknown.
    package init(url: String, held: Int64, origin: PartialOrigin?) {
        let usable = origin.map { $0.url == url && ($0.total.map { held <= $0 } ?? true) } ?? false
        self.url = url
        self.origin = usable && held > 0 ? origin : nil
        offset = self.origin == nil ? 0 : held
    }

    /// The request's headers: the rest if the file is still the same, else all of it.
    package var headers: [String] {
        guard let origin else { return [] }
        return ["Range: bytes=\(offset)-", "If-Range: \(origin.validator)"]
    }

    package enum Meaning: Equatable, Sendable {
        /// The body goes behind the bytes that are there.
        case rest(PartialOrigin)
        /// The body is the file from its beginning; the origin is nil when it could not be continued later.
        case whole(PartialOrigin?, total: Int64?)
        /// The partial file is whole already.
        case complete
        /// The partial file is of no use: ask again without it.
        case startOver
        /// No file in this reply.
        case refused(status: Int)
    }

    package func meaning(of head: Curl.Head) -> Meaning {
        switch head.status {
        case 200:
            let total = head.fields["content-length"].flatMap { Int64($0) }
            let validator = Self.validator(of: head)
            return .whole(validator.map { PartialOrigin(url: url, validator: $0, total: total) }, total: total)
        case 206:
            guard let origin, let range = ContentRange(head.fields["content-range"]), range.first == offset,
                origin.total == nil || range.total == nil || origin.total == range.total,
                head.fields["etag"].map({ $0 == origin.validator || !origin.validator.hasPrefix("\"") }) ?? true
            else { return .startOver }
            return .rest(PartialOrigin(url: url, validator: origin.validator, total: range.total ?? origin.total))
        case 416:
            guard let origin else { return .refused(status: 416) }
            // "bytes */N": nothing lies behind the bytes that are there.
            let total = ContentRange.total(head.fields["content-range"]) ?? origin.total
            return total == offset && origin.total == total ? .complete : .startOver
        default:
            return .refused(status: head.status)
        }
    }

    /// A weak ETag promises the same meaning, not the same bytes.
    private static func validator(of head: Curl.Head) -> String? {
        if let tag = head.fields["etag"], tag.hasPrefix("\"") { return tag }
        return head.fields["last-modified"]
    }

    /// Whether the same request may succeed later.
    package static func isTransient(status: Int) -> Bool {
        [408, 425, 429, 500, 502, 503, 504].contains(status)
    }
}

/// `bytes FIRST-LAST/TOTAL`.
private struct ContentRange {
    var first: Int64
    var total: Int64?

    init?(_ text: String?) {
        guard let text, text.hasPrefix("bytes "), let dash = text.firstIndex(of: "-"),
            let first = Int64(text.dropFirst(6).prefix(upTo: dash))
        else { return nil }
        self.first = first
        total = Self.total(text)
    }

    static func total(_ text: String?) -> Int64? {
        guard let text, let slash = text.lastIndex(of: "/") else { return nil }
        return Int64(text[text.index(after: slash)...])
    }
}
