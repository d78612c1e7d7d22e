import Foundation

/// Where the built programs, the engine and the Python with the `openai` package are.
///
/// A test that needs one of them fails where it is missing: a test that quietly does not run proves nothing.
struct Installation: Sendable {
    struct Missing: Error, CustomStringConvertible {
        var description: String
    }

    /// The root of the package.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    let llamaServer: URL
    let standIn: URL

    init() throws(Missing) {
        llamaServer = try Self.prepared("bin/llama-server")
        standIn = try Self.built("llama-swap-stand-in")
    }

    /// The `llmstack` under test: $LLMSTACK_BIN, else the one built beside the tests.
    static func llmstack() throws(Missing) -> URL {
        if let path = ProcessInfo.processInfo.environment["LLMSTACK_BIN"], !path.isEmpty { return URL(filePath: path) }
        return try built("llmstack")
    }

    /// A Python that can `import openai`.
    static func openaiPython() throws(Missing) -> URL { try prepared("python/bin/python") }

    private static func prepared(_ path: String) throws(Missing) -> URL {
        let set = ProcessInfo.processInfo.environment["LLMSTACK_TEST_CACHE"] ?? ""
        let cache = set.isEmpty ? root.appending(path: ".build/engine") : URL(filePath: set)
        let url = cache.appending(path: path)
        guard FileManager.default.isExecutableFile(atPath: url.path) else {
            throw Missing(description: "\(url.path) is missing\n  fix: run deploy/test, which puts it there")
        }
        return url
    }

    private static func built(_ name: String) throws(Missing) -> URL {
        // Linux runs the test bundle itself; macOS loads it from the same folder.
        let bundles = Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
        let places = (bundles + [URL(filePath: CommandLine.arguments[0])]).map { $0.deletingLastPathComponent() }
        for folder in places + [root.appending(path: ".build/release")] {
            let url = folder.appending(path: name)
            if FileManager.default.isExecutableFile(atPath: url.path) { return url }
        }
        throw Missing(description: "\(name) is not built\n  fix: run deploy/test, which builds it")
    }
}
