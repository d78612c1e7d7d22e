package import Cluster
import Foundation

extension LlamaSwapConfig {
    /// Finds llama-server: `llama_server_bin` of models.ini, `$LLAMA_SERVER_BIN`, `$PATH`, the usual places.
    ///
    /// - Parameter isExecutable: whether there is a program at a path; asked for `$PATH` and the usual places only: what
    ///   somebody named is taken at their word.
    /// - Returns: a path, else the bare name `llama-server`, which llama-swap then reports as missing.
    package static func locateLlamaServer(
        catalog: Catalog, environment: [String: String], isExecutable: (String) -> Bool = isProgram
    ) -> String {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        let home = value("HOME") ?? NSHomeDirectory()
        func expanded(_ path: String) -> String {
            path.hasPrefix("~/") ? home + path.dropFirst() : path
        }
        if let named = catalog.defaults.llamaServer ?? value("LLAMA_SERVER_BIN") { return expanded(named) }
        let path = (value("PATH") ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        let usual = [
            "/opt/homebrew/bin", "/usr/local/bin", "\(home)/.local/bin", "\(home)/llama.cpp/build/bin",
            "/home/linuxbrew/.linuxbrew/bin", "/usr/bin",
        ]
        return (path + usual).map { "\($0)/llama-server" }.first(where: isExecutable) ?? "llama-server"
    }

    /// What is said where there is none; nil where there is, or where a command's name is taken at its word.
    package static func lackOfLlamaServer(
        catalog: Catalog, environment: [String: String]
    ) -> (problem: String, fix: String)? {
        let server = locateLlamaServer(catalog: catalog, environment: environment)
        guard server == "llama-server" || server.hasPrefix("/") && !isProgram(server) else { return nil }
        let place = server == "llama-server" ? "on PATH" : "at \(server)"
        let named = catalog.defaults.llamaServer == nil ? "set LLAMA_SERVER_BIN" : "mend llama_server_bin"
        return (
            "there is no llama-server \(place): no local tier will answer",
            "install llama.cpp, or \(named), then run llmstack restart"
        )
    }

    /// Whether there is a file at `path` that may be executed.
    package static func isProgram(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
            && FileManager.default.isExecutableFile(atPath: path)
    }
}
