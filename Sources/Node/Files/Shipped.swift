import Foundation

/// The models.ini and AGENTS.md that come with the program. They are part of it: a copied binary needs nothing else.
package enum Shipped {
    /// The defaults that a project's models.ini is seeded from.
    package static let modelsINI = String(decoding: PackageResources.models_ini, as: UTF8.self)
    /// What opencode's agents are told about the stack.
    package static let agentsMD = String(decoding: PackageResources.AGENTS_md, as: UTF8.self)

    /// The directory that holds both as files: `share/llmstack` beside the program's `bin`, or the source tree that it
    /// was built in. Files that differ from the program's own belong to another version and do not count.
    ///
    /// - Parameter executable: the program's absolute path, links resolved.
    /// - Returns: absolute; nil when the program stands alone.
    package static func directory(executable: String? = executable) -> String? {
        guard let executable else { return nil }
        var directory = URL(fileURLWithPath: executable).deletingLastPathComponent()
        var candidates = [directory.deletingLastPathComponent().appendingPathComponent("share/llmstack")]
        while directory.path != "/" {
            candidates.append(directory.appendingPathComponent("Sources/Node/Resources"))
            directory.deleteLastPathComponent()
        }
        return candidates.map(\.standardizedFileURL.path).first(where: isShipped)
    }

    /// What `LLMSTACK_ROOT` is to say: ``directory(executable:)``, else a copy in the data directory, made or renewed.
    ///
    /// - Throws: ``AtomicFile/Failure`` when that copy cannot be made.
    package static func root(
        environment: [String: String], executable: String? = executable
    ) throws(AtomicFile.Failure) -> String {
        if let directory = directory(executable: executable) { return directory }
        let copy = share(environment: environment)
        for file in files(in: copy) { _ = try file.write() }
        return copy
    }

    /// `share` in `$LLMSTACK_DATA_DIR`, else in `llmstack` of the user's data directory.
    package static func share(environment: [String: String]) -> String {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        let home = value("HOME") ?? NSHomeDirectory()
        if let data = value("LLMSTACK_DATA_DIR") { return absolute(data, home: home) + "/share" }
        let data = value("XDG_DATA_HOME").map { absolute($0, home: home) } ?? "\(home)/.local/share"
        return "\(data)/llmstack/share"
    }

    /// This program, links resolved.
    package static var executable: String? { Bundle.main.executableURL?.resolvingSymlinksInPath().path }

    private static func absolute(_ path: String, home: String) -> String {
        URL(fileURLWithPath: path.hasPrefix("~/") ? home + path.dropFirst() : path).standardizedFileURL.path
    }

    private static func files(in directory: String) -> [GeneratedFile] {
        [
            GeneratedFile(path: "\(directory)/models.ini", text: modelsINI, mode: 0o644),
            GeneratedFile(path: "\(directory)/AGENTS.md", text: agentsMD, mode: 0o644),
        ]
    }

    private static func isShipped(_ directory: String) -> Bool {
        files(in: directory).allSatisfy { FileManager.default.contents(atPath: $0.path) == Data($0.text.utf8) }
    }
}
