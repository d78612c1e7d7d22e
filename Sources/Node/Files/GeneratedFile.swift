import Foundation

/// A file that llmstack writes whole: left alone when it already says what it should.
package struct GeneratedFile: Equatable, Sendable {
    package enum Outcome: String, Equatable, Sendable {
        case created, updated, unchanged
    }

    package var path: String
    package var text: String
    /// Permissions whatever the umask says; nil leaves them to the umask.
    package var mode: UInt16?

    package init(path: String, text: String, mode: UInt16? = nil) {
        self.path = path
        self.text = text
        self.mode = mode
    }

    /// Brings the file about.
    ///
    /// - Throws: ``AtomicFile/Failure``; then the file is as it was.
    package func write() throws(AtomicFile.Failure) -> Outcome {
        let files = FileManager.default
        guard files.fileExists(atPath: path) else {
            try AtomicFile.write(text, to: path, mode: mode)
            return .created
        }
        let present = (try? files.attributesOfItem(atPath: path)[.posixPermissions]) as? NSNumber
        let hasMode = mode.map { $0 == present?.uint16Value } ?? true
        if hasMode, files.contents(atPath: path) == Data(text.utf8) { return .unchanged }
        try AtomicFile.write(text, to: path, mode: mode)
        return .updated
    }
}
