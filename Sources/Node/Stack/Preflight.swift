package import Cluster
import Foundation

/// What must be so before anything of a local stack is started, in the order in which it is checked: the llama-swap
/// program, opencode.json, models.ini.
package struct Preflight: Sendable {
    package let catalog: Catalog
    package let endpoints: Endpoints
    package let channel: Channel

    /// - Parameter wanted: the channel of the command line; nil takes the pinned one.
    /// - Throws: ``StackFailure``.
    package init(
        work: WorkDirectory, blueprint: Blueprint, wanted: Channel?, environment: [String: String]
    ) throws(StackFailure) {
        let files = FileManager.default
        guard files.fileExists(atPath: work.llamaSwap) else {
            throw StackFailure(
                "there is no llama-swap at \(work.llamaSwap)", advice: "fix: llmstack install-llama-swap")
        }
        guard files.isExecutableFile(atPath: work.llamaSwap) else {
            throw StackFailure(
                "\(work.llamaSwap) cannot be run as a program", advice: "fix: llmstack install-llama-swap --force")
        }
        try Self.requireOpencode(work)
        catalog = try Self.catalog(work, blueprint)
        if catalog.tiers.isEmpty, ((try? ClusterFiles(environment: environment).cluster()) ?? nil) == nil {
            throw Self.failure(ModelsINI.withoutTiers(work.modelsINI), work)
        }
        endpoints = try Endpoints(checking: environment, catalog.defaults)
        channel = wanted ?? work.pinnedChannel ?? .current
        if channel.usesNext, !catalog.tiers.contains(where: \.hasNext) {
            throw StackPlan.Refusal.nothingQueued.failure(wanted: channel, port: endpoints.port)
        }
    }

    /// For a project that uses another host's router through a gateway: opencode.json alone is needed.
    ///
    /// - Throws: ``StackFailure``.
    package init(_ work: WorkDirectory, gateway: Gateway) throws(StackFailure) {
        try Self.requireOpencode(work)
        catalog = Catalog()
        endpoints = Endpoints(gatewayPort: gateway.port)
        channel = .external(gateway.url)
    }

    package static func requireOpencode(_ work: WorkDirectory) throws(StackFailure) {
        guard FileManager.default.fileExists(atPath: work.opencodeJSON) else {
            throw StackFailure(
                "this project is not set up: there is no \(work.opencodeJSON)", advice: "fix: \(work.wayToProject)")
        }
    }

    /// Reads models.ini; its own errors, which bring their second line along, become a ``StackFailure``.
    package static func catalog(_ work: WorkDirectory, _ blueprint: Blueprint) throws(StackFailure) -> Catalog {
        do { return try blueprint.catalog(work) } catch { throw failure(error, work) }
    }

    private static func failure(_ error: any Error, _ work: WorkDirectory) -> StackFailure {
        let lines = "\(error)".split(separator: "\n").map(String.init)
        return StackFailure(
            lines.first ?? "\(work.modelsINI) cannot be read",
            advice: lines.count > 1
                ? lines.dropFirst().joined(separator: "\n").trimmingCharacters(in: .whitespaces)
                : "fix: mend \(work.modelsINI)")
    }
}
