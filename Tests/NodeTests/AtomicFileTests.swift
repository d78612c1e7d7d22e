import Foundation
import Node
import Testing

struct AtomicFileTests {
    private let scratch: Scratch
    private var path: String { "\(scratch.path)/file" }

    init() throws { scratch = try Scratch() }

    @Test("Threads that write the same file at once all write it whole")
    func threads() async throws {
        let path = path
        let texts = (0..<64).map { String(repeating: "\($0 % 10)", count: 100_000) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for text in texts { group.addTask { try AtomicFile.write(text, to: path) } }
            try await group.waitForAll()
        }
        let text = try #require(scratch.text("file"))
        #expect(texts.contains(text))
        #expect(scratch.files == ["file"])
    }

    @Test("What killed processes have left of a file is removed, and nothing else")
    func leftovers() throws {
        // No system gives a process so large a number.
        let dead = Int32.max - 1
        let own = ProcessInfo.processInfo.processIdentifier
        let kept = [
            "file.\(own).999999999.tmp", "file.\(own).tmp", "file.\(dead).8.9.tmp", "file.new.tmp",
            "other.\(dead).1.tmp",
        ]
        for name in kept + ["file.\(dead).tmp", "file.\(dead).7.tmp"] { try scratch.put("x", name) }
        try AtomicFile.write("y", to: path)
        #expect(scratch.files == (kept + ["file"]).sorted())
    }
}
