import Cluster
import Foundation

/// Where a project, its generated files and the shared programs are, as the environment says.
package struct WorkDirectory: Equatable, Sendable {
    /// The project: `$LLMSTACK_WORK_DIR`, else the current directory. Absolute.
    package var path: String
    /// The user's: `$HOME`, else what the system says.
    package var home: String
    /// `<path>/.llmstack`.
    package var state: String
    /// `$LLMSTACK_MODELS_INI`, else `<state>/models.ini`.
    package var modelsINI: String
    /// Where the llama-swap program lives, shared by all projects.
    package var binaries: String

    package var opencodeJSON: String
    package var agentsMD: String { "\(state)/AGENTS.md" }
    package var llamaSwapYAML: String { "\(state)/llama-swap.yaml" }
    package var defaultChannel: String { "\(state)/default-channel" }
    package var activeChannel: String { "\(state)/active-channel" }
    package var logs: String { "\(state)/logs" }
    package var llamaSwap: String { "\(binaries)/llama-swap" }

    /// - Parameters:
    ///   - environment: the process's, or a test's.
    ///   - currentDirectory: absolute.
    package init(environment: [String: String], currentDirectory: String) {
        func value(_ name: String) -> String? {
            environment[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        let home = value("HOME") ?? NSHomeDirectory()
        self.home = home
        func absolute(_ path: String) -> String {
            let expanded = path == "~" ? home : path.hasPrefix("~/") ? home + path.dropFirst() : path
            let whole = expanded.hasPrefix("/") ? expanded : "\(currentDirectory)/\(expanded)"
            return URL(fileURLWithPath: whole).standardizedFileURL.path
        }
        path = absolute(value("LLMSTACK_WORK_DIR") ?? currentDirectory)
        state = "\(path)/.llmstack"
        modelsINI = value("LLMSTACK_MODELS_INI").map(absolute) ?? "\(state)/models.ini"
        opencodeJSON = "\(value("OPENCODE_CONFIG_DIR").map(absolute) ?? state)/opencode.json"
        if let directory = value("LLMSTACK_BIN_DIR") {
            binaries = absolute(directory)
        } else if let data = value("LLMSTACK_DATA_DIR") {
            binaries = "\(absolute(data))/bin"
        } else {
            let data = value("XDG_DATA_HOME").map(absolute) ?? "\(home)/.local/share"
            binaries = "\(data)/llmstack/bin"
        }
    }

    /// Of this process.
    package static func current() -> WorkDirectory {
        WorkDirectory(
            environment: ProcessInfo.processInfo.environment,
            currentDirectory: FileManager.default.currentDirectoryPath)
    }

    /// The channel that `install` pinned; nil where nothing is installed.
    package var pinnedChannel: Channel? { marker(defaultChannel) }

    /// The channel that `start` brought up; nil while stopped.
    package var runningChannel: Channel? { marker(activeChannel) }

    /// The nearest project above this directory; nil where there is none.
    package var projectAbove: String? {
        var directory = URL(fileURLWithPath: path)
        while directory.path != "/" {
            directory.deleteLastPathComponent()
            let project = WorkDirectory(environment: ["HOME": home], currentDirectory: directory.path)
            if project.pinnedChannel != nil { return directory.path }
        }
        return nil
    }

    /// What to do where there is no project.
    package var wayToProject: String {
        projectAbove.map {
            "cd \($0.printable()), the project that this directory is in (llmstack install would make another here)"
        } ?? "llmstack install"
    }

    private func marker(_ path: String) -> Channel? {
        (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { Channel(marker: $0) }
    }
}
