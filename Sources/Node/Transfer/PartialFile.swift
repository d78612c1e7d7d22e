import Foundation

/// The beginning of a file that is being fetched: `<target>.part` holds its bytes, `<target>.part.origin` says of what
/// they are the beginning. Nothing is ever under the final name but the whole file.
struct PartialFile: Sendable {
    let target: String

    var path: String { "\(target).part" }
    private var originPath: String { "\(target).part.origin" }

    /// Bytes that are there.
    var count: Int64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    }

    /// nil where nobody knows what the bytes belong to: then they are of no use.
    var origin: PartialOrigin? {
        (try? String(contentsOfFile: originPath, encoding: .utf8)).flatMap(PartialOrigin.init(text:))
    }

    /// - Throws: ``AtomicFile/Failure``.
    func note(_ origin: PartialOrigin?) throws(AtomicFile.Failure) {
        guard let origin else {
            try? FileManager.default.removeItem(atPath: originPath)
            return
        }
        try AtomicFile.write(origin.text, to: originPath)
    }

    func discard() {
        for path in [originPath, path] { try? FileManager.default.removeItem(atPath: path) }
    }
}

/// Which representation a partial file is the beginning of.
package struct PartialOrigin: Equatable, Sendable {
    /// As it was asked for, before any redirect.
    package var url: String
    /// A strong ETag, else a Last-Modified date: the value of If-Range (https://www.rfc-editor.org/rfc/rfc9110#field.if-range).
    package var validator: String
    /// Bytes of the whole; nil where the server did not say.
    package var total: Int64?

    package init(url: String, validator: String, total: Int64?) {
        self.url = url
        self.validator = validator
        self.total = total
    }

    fileprivate init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 3, !lines[0].isEmpty, !lines[1].isEmpty else { return nil }
        self.init(url: lines[0], validator: lines[1], total: Int64(lines[2]))
    }

    fileprivate var text: String { "\(url)\n\(validator)\n\(total.map(String.init) ?? "")\n" }
}
