import Foundation

/// The end of a log, as far as it was written since this value was made.
package struct LogTail: Sendable {
    private let path: String
    private let start: UInt64

    package init(_ path: String) {
        self.path = path
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        start = (attributes?[.size] as? NSNumber)?.uint64Value ?? 0
    }

    /// - Returns: at most the last `count` lines, control characters taken out: a log must not drive the terminal.
    package func lines(_ count: Int = 10) -> [String] {
        guard let handle = FileHandle(forReadingAtPath: path) else { return [] }
        defer { try? handle.close() }
        let window: UInt64 = 16384
        guard let end = try? handle.seekToEnd(), end > start else { return [] }
        try? handle.seek(toOffset: max(start, end > window ? end - window : 0))
        let text = String(decoding: (try? handle.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).suffix(count).map { line in
            String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.properties.generalCategory != .control }))
        }
    }
}
