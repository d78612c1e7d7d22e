import Foundation

/// Lines on stdout, unbuffered: whoever reads the log sees them at once.
enum Log {
    static func say(_ text: String) {
        // A reader that is gone is no reason to end.
        try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    }
}
