import Foundation

/// The two programs that make up a local stack.
package enum DaemonKind: String, CaseIterable, Sendable {
    case llamaSwap = "llama-swap"
    case router

    package var name: String { rawValue }
}

/// Tells this project's daemons from everything else that runs: reused pids, zombies, daemons of other projects, programs
/// that somebody started by hand.
package struct DaemonIdentity: Sendable {
    /// Set in the environment of each daemon that llmstack starts, to `<kind>:<work directory>`. What the daemon starts
    /// inherits it, so that a llama-server whose llama-swap was killed is still known as ours.
    package static let markVariable = "LLMSTACK_DAEMON"

    /// The project, links resolved.
    package let project: String
    private let configuration: String

    package init(work: WorkDirectory) {
        project = Self.resolved(work.path)
        configuration = Self.resolved(work.llamaSwapYAML)
    }

    /// The value of ``markVariable``.
    package func mark(_ kind: DaemonKind) -> String { "\(kind.name):\(project)" }

    /// Whether a process is this project's daemon of that kind.
    ///
    /// Not by the executable (llama-swap may be a script, then that is its interpreter) but by what it was told to do:
    /// llama-swap serves this project's configuration, the router works in this project.
    package func owns(
        _ process: ProcessFacts, as kind: DaemonKind, environment: () -> [String: String]
    ) -> Bool {
        guard !process.isZombie else { return false }
        switch kind {
        case .llamaSwap:
            return Self.configuration(in: process.arguments).map { Self.resolved($0) == configuration } ?? false
        case .router:
            guard process.arguments.dropFirst().contains(DaemonKind.router.name) else { return false }
            return environment()["LLMSTACK_WORK_DIR"].map { Self.resolved($0) == project } ?? false
        }
    }

    /// Whether a process is one that this project's llama-swap started, at whatever depth and however long ago.
    package func startedByLlamaSwap(_ process: ProcessFacts, environment: [String: String]) -> Bool {
        environment[Self.markVariable] == mark(.llamaSwap)
            && !owns(process, as: .llamaSwap, environment: { environment })
    }

    /// The directory of the project that some daemon belongs to, as far as it can be told.
    package static func project(of process: ProcessFacts, environment: [String: String]) -> String? {
        if let mark = environment[markVariable], let colon = mark.firstIndex(of: ":") {
            return String(mark[mark.index(after: colon)...])
        }
        if let file = configuration(in: process.arguments) {
            let state = (file as NSString).deletingLastPathComponent
            if (state as NSString).lastPathComponent == ".llmstack" {
                return (state as NSString).deletingLastPathComponent
            }
        }
        return environment["LLMSTACK_WORK_DIR"]
    }

    /// What follows `--config` on a command line.
    private static func configuration(in arguments: [String]) -> String? {
        for (index, argument) in arguments.enumerated() {
            if argument == "--config" || argument == "-config" {
                return index + 1 < arguments.count ? arguments[index + 1] : nil
            }
            for prefix in ["--config=", "-config="] where argument.hasPrefix(prefix) {
                return String(argument.dropFirst(prefix.count))
            }
        }
        return nil
    }

    private static func resolved(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
}
