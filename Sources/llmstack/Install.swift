import ArgumentParser
import Cluster
import Foundation
import Node

/// `llmstack install`: writes what opencode and the other verbs need into the project.
struct Install: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set this project up: models.ini, opencode.json, AGENTS.md and its channel.",
        discussion: """
            Writes into .llmstack of the project ($LLMSTACK_WORK_DIR, else this directory). A models.ini that is there \
            stays as it is; the other files follow from it, so run this again after editing it.

            --external makes the project a thin client: nothing runs here, and opencode talks to the router at URL \
            ($LLMSTACK_REMOTE_URL, else http://127.0.0.1:10101). What it serves is asked for at each install.
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

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let remote = (environment["LLMSTACK_REMOTE_URL"] ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        let isThinClient = external != nil || !remote.isEmpty
        let install =
            isThinClient
            ? try await thinClient(of: RemoteCatalog.url(argument: external ?? "", variable: remote), environment)
            : try ProjectInstall(
                work: .current(), channel: channel == .next ? .next : .current, environment: environment)
        if printsOnly {
            print(install.preview, terminator: "")
            return
        }
        report(try install.perform(), of: install)
    }

    private func thinClient(of url: String, _ environment: [String: String]) async throws -> ProjectInstall {
        if !printsOnly { print("asking \(url) what it serves") }
        let catalog = try await RemoteCatalog.fetch(from: url)
        return ProjectInstall(work: .current(), thinClientOf: url, catalog: catalog, environment: environment)
    }

    private func report(_ reports: [ProjectInstall.Report], of install: ProjectInstall) {
        for report in reports {
            let name = report.name.padding(toLength: 16, withPad: " ", startingAt: 0)
            let outcome = report.outcome.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)
            print("\(name)\(outcome)\(report.path)")
        }
        print("channel         \(install.channel.marker)", terminator: "")
        if install.channel.usesNext, !install.catalog.tiers.contains(where: \.hasNext) {
            print(
                "note: models.ini queues nothing (no hf_file_next, no aws_model_id_next), so start --next will refuse")
        }
        print("next: llmstack \(install.work.runningChannel == nil ? "start" : "restart")")
    }
}
