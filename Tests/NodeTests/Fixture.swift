import Foundation
import Testing

/// Recorded expectations, beside the models.ini files that they are about.
enum Fixture {
    static func text(_ path: String) throws -> String {
        let root = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    static func json(_ path: String) throws -> Value { try .json(text(path)) }

    /// The models.ini files that both llama-swap.yaml and opencode.json are recorded for.
    static let inis = [
        "all-bedrock", "comments-and-spacing", "default-inheritance", "env-refs", "minimal-two", "mixed-roles",
        "no-plan",
        "ultra-bedrock", "ultra-by-alias", "ultra-local", "vanilla",
    ]

    /// And those with a fault that stops everything, with what the message must say.
    static let faulty = [("banned-keys", "aws_"), ("duplicate-section", ":6:"), ("unknown-backend", "backend")]
}

/// An empty directory for one test.
final class Scratch {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("node-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.resolvingSymlinksInPath().path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func put(_ text: String, _ name: String) throws {
        let url = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func text(_ name: String) -> String? { try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

    func mode(_ name: String) throws -> UInt16? {
        (try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.posixPermissions] as? NSNumber)?
            .uint16Value
    }

    /// Every file below, by path from here.
    var files: [String] {
        let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return all.filter { name in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }.sorted()
    }
}
