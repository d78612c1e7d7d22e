import Foundation
import Testing

/// Cluster decides and does nothing: no input or output, no clock, no concurrency.
struct PurityTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources/Cluster")

    private static let files: [URL] = {
        let all = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)?.compactMap {
            $0 as? URL
        }
        return (all ?? []).filter { $0.pathExtension == "swift" }
    }()

    @Test func theSourcesAreFound() {
        #expect(Self.files.count > 10)
    }

    @Test(arguments: [
        "import ", "async", "await ", "Task", "ContinuousClock", "SuspendingClock", "DispatchTime", ".now",
        "nonisolated(unsafe)",
        "@unchecked", "print(", "fatalError(", "try!",
    ])
    func noFileUses(_ forbidden: String) throws {
        for file in Self.files {
            for (number, line) in try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false
            ).enumerated() {
                let code = line.prefix { $0 != "/" }
                #expect(!code.contains(forbidden), "\(file.lastPathComponent):\(number + 1): \(line)")
            }
        }
    }
}
