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

    /// Whether there is a file at `path` that may be executed.
    package static func isProgram(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
            && FileManager.default.isExecutableFile(atPath: path)
    }
}
