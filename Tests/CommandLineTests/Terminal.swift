import Foundation

/// A project in a fresh home, and the built program to run in it.
final class Terminal: Sendable {
    struct Result: Sendable {
        var code: Int32
        var output: String
        var errors: String
    }

    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    let root: URL
    let program: URL
    var home: URL { root.appending(path: "home") }
    var project: URL { root.appending(path: "my project") }
    var state: URL { project.appending(path: ".llmstack") }
    var binaries: URL { root.appending(path: "bin") }

    init() throws {
        root = FileManager.default.temporaryDirectory.appending(path: "llmstack-\(UUID().uuidString)")
        program = try Self.built()
        for folder in [home, state, binaries] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    /// $LLMSTACK_BIN, else what was built beside the tests.
    private static func built() throws -> URL {
        if let path = ProcessInfo.processInfo.environment["LLMSTACK_BIN"], !path.isEmpty { return URL(filePath: path) }
        let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let bundles = Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
        let folders = (bundles + [URL(filePath: CommandLine.arguments[0])]).map { $0.deletingLastPathComponent() }
        for folder in folders + [package.appending(path: ".build/release")] {
            let url = folder.appending(path: "llmstack")
            if FileManager.default.isExecutableFile(atPath: url.path) { return url }
        }
        throw Missing(description: "llmstack is not built: run deploy/test")
    }

    /// - Parameter environment: added to HOME, PATH and the places of this project.
    func process(_ arguments: [String], environment: [String: String] = [:]) -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = project
        process.environment = [
            "HOME": home.path, "PATH": "/usr/bin:/bin", "LLMSTACK_BIN_DIR": binaries.path, "SHELL": "/bin/bash",
        ].merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        return process
    }

    /// - Parameter other: is run in llmstack's place.
    func run(
        _ arguments: [String], environment: [String: String] = [:], input: String = "", program other: URL? = nil
    ) throws -> Result {
        let process = process(arguments, environment: environment)
        if let other { process.executableURL = other }
        let files = try ["in", "out", "err"].map { name -> FileHandle in
            let url = root.appending(path: "\(name)-\(UUID().uuidString)")
            try Data((name == "in" ? input : "").utf8).write(to: url)
            return try FileHandle(forUpdating: url)
        }
        (process.standardInput, process.standardOutput, process.standardError) = (files[0], files[1], files[2])
        try process.run()
        process.waitUntilExit()
        func text(_ file: FileHandle) throws -> String {
            try file.seek(toOffset: 0)
            return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        }
        return Result(code: process.terminationStatus, output: try text(files[1]), errors: try text(files[2]))
    }

    func write(_ text: String, to path: String) throws {
        let url = project.appending(path: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    /// A program that does nothing but be there.
    func place(_ name: String, script: String = "exit 0") throws {
        let url = binaries.appending(path: name)
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url.path)
    }

    /// Every file of the project and the home with its content, to see what a command changed.
    func snapshot() -> [String: Data] {
        var files: [String: Data] = [:]
        for folder in [project, home] {
            for case let url as URL in FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
                ?? .init()
            {
                if let data = FileManager.default.contents(atPath: url.path), !url.hasDirectoryPath {
                    files[url.path] = data
                }
            }
        }
        return files
    }
}
