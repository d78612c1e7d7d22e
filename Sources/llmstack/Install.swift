import ArgumentParser
import Cluster
import Foundation
import Node

/// `llmstack install`: writes what opencode and the other verbs need into the project.
struct Install: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set this project up: models.ini, opencode.json, AGENTS.md and its channel.",
        discussion: """
            Writes into .llmstack of the project ($LLMSTACK_WORK_DIR, else this directory). A models.ini that is there \
            stays as it is; the other files follow from it, so run this again after editing it.
            """)

    enum LocalChannel: String, EnumerableFlag {
        case current, next

        static func help(for value: LocalChannel) -> ArgumentHelp? {
            switch value {
            case .current: "Pin the models in use (the default)."
            case .next: "Pin the models queued to replace them."
            }
        }
    }

    @Flag(name: [.customLong("print"), .customShort("n")], help: "Show opencode.json and write nothing.")
    var printsOnly = false

    @Flag(exclusivity: .chooseLast)
    var channel: LocalChannel?

    @Option(
        defaultAsFlag: "", parsing: .next,
        help: ArgumentHelp("Use the stack behind another router.", valueName: "url"))
    var external: String?

    func validate() throws {
        if external != nil, channel != nil {
            throw ValidationError("--external goes with neither --current nor --next: the other host has the channels")
        }
    }

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let remote = environment["LLMSTACK_REMOTE_URL"]?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        guard external == nil, remote.isEmpty else { throw NoThinClients(isAsked: external != nil) }
        let install = try LocalInstall(
            work: .current(), channel: channel == .next ? .next : .current, environment: environment)
        if printsOnly {
            print(install.preview, terminator: "")
            return
        }
        report(try install.perform(), of: install)
    }

    private func report(_ reports: [LocalInstall.Report], of install: LocalInstall) {
        for report in reports {
            let name = report.name.padding(toLength: 16, withPad: " ", startingAt: 0)
            let outcome = report.outcome.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)
            print("\(name)\(outcome)\(report.path)")
        }
        print("channel         \(install.channel.name)")
        if install.channel.usesNext, !install.catalog.tiers.contains(where: \.hasNext) {
            print(
                "note: models.ini queues nothing (no hf_file_next, no aws_model_id_next), so start --next will refuse")
        }
        print("next: llmstack \(install.work.runningChannel == nil ? "start" : "restart")")
    }
}

/// This version cannot wire a project to another host's router.
private struct NoThinClients: Error, CustomStringConvertible {
    /// Whether the flag asked for it, and not the environment.
    var isAsked: Bool

    var description: String {
        let fix = isAsked ? "leave --external out to use this host" : "unset LLMSTACK_REMOTE_URL to use this host"
        return "installing a thin client of another router is not in this version yet\n  fix: \(fix)"
    }
}
