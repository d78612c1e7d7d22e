import Foundation

/// Finds programs by name: on `$PATH`, then in the places where package managers and builds put them.
package struct ProgramSearch: Sendable {
    /// Absolute, in the order in which they are looked at.
    package let directories: [String]

    /// - Parameter first: directories that are looked at before all others.
    package init(environment: [String: String], first: [String] = []) {
        let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
        let path = (environment["PATH"] ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        directories =
            first + path + [
                "/opt/homebrew/bin", "/usr/local/bin", "\(home)/.local/bin", "\(home)/llama.cpp/build/bin",
                "/home/linuxbrew/.linuxbrew/bin", "/usr/bin", "/bin",
            ]
    }

    /// - Returns: the path of the first program of that name.
    package func first(_ name: String) -> String? {
        directories.map { "\($0)/\(name)" }.first(where: LlamaSwapConfig.isProgram)
    }
}
