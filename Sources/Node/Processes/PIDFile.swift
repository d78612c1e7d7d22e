import Foundation

/// A file that holds a process's number and a line feed. It is a hint: whether the number is still that process is for
/// ``DaemonIdentity`` to say.
package struct PIDFile: Equatable, Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// - Returns: nil when there is no file, and when it holds anything but one number above zero.
    package func read() -> Int32? {
        (try? String(contentsOfFile: path, encoding: .utf8)).flatMap(Self.parse)
    }

    package static func parse(_ text: String) -> Int32? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 1, let word = words.first, word.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return nil
        }
        return Int32(word).flatMap { $0 > 0 ? $0 : nil }
    }

    /// - Throws: ``AtomicFile/Failure``.
    package func write(_ pid: Int32) throws(AtomicFile.Failure) {
        try AtomicFile.write("\(pid)\n", to: path, mode: 0o644)
    }

    package func remove() { try? FileManager.default.removeItem(atPath: path) }
}
