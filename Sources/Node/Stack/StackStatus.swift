import Cluster
import Foundation

/// What of a project runs and what it serves, as found at one moment. The same facts as text and as JSON.
package struct StackStatus: Equatable, Sendable, Encodable {
    package enum State: String, Sendable, Encodable {
        /// Ours, alive, and it answers.
        case running
        /// Ours and alive, but it does not answer.
        case silent
        /// Nobody is there.
        case down
        /// Somebody else's program has the port.
        case other
        /// Not wanted: no tier is local.
        case notNeeded = "not_needed"
        /// On another host, and it answers.
        case external
    }

    package struct Part: Equatable, Sendable, Encodable {
        package var state: State
        @NullWhereUnknown package var pid: Int32?
        package var url: String
        /// The stranger on the port, where it could be told.
        @NullWhereUnknown package var occupant: String? = nil
    }

    package struct TierLine: Equatable, Sendable, Encodable {
        package var name: String
        /// `gguf` or `bedrock`.
        package var backend: String
        /// The weights, or the model's id on Bedrock.
        package var model: String
        @NullWhereUnknown package var quant: String?
        /// GB (10^9 bytes).
        @NullWhereUnknown package var sizeGB: Double?
        /// Whether this is what `next` has in place of `current`.
        package var isNext: Bool

        private enum CodingKeys: String, CodingKey {
            case name, backend, model, quant
            case sizeGB = "size_gb"
            case isNext = "next"
        }
    }

    /// The router that a thin client found by name.
    package struct FoundRouter: Equatable, Sendable, Encodable {
        /// The cluster's name and id.
        package var cluster: String
        package var id: String
        /// The router's name.
        package var router: String
    }

    package var project: String
    package var channel: String
    /// Whether the channel is known to run, and not only pinned.
    package var isUp: Bool
    /// pid of the `start --foreground` that looks after the daemons.
    @NullWhereUnknown package var supervisor: Int32?
    package var router: Part
    /// nil for a thin client.
    @NullWhereUnknown package var llamaSwap: Part?
    /// Model names that the router lists.
    package var models: [String]
    package var tiers: [TierLine]
    /// What is amiss, with its mend.
    package var notes: [String]
    /// nil where no router was found by name.
    @NullWhereUnknown package var foundRouter: FoundRouter? = nil

    private enum CodingKeys: String, CodingKey {
        case project, channel, supervisor, router, models, tiers, notes
        case isUp = "up"
        case llamaSwap = "llama_swap"
        case foundRouter = "found_router"
    }

    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    package var text: String {
        var lines = ["project: \(project)", "channel: \(channel)\(isUp ? "" : " (or stopped)")"]
        if let foundRouter { lines.append("cluster: \(foundRouter.cluster), router \(foundRouter.router)") }
        lines.append(line("router", router))
        if let llamaSwap { lines.append(line("llama-swap", llamaSwap)) }
        if let supervisor {
            lines.append(
                "  \(llamaSwap == nil ? "" : "both ")looked after by llmstack start --foreground, pid \(supervisor)")
        }
        if !models.isEmpty { lines += ["models:"] + models.map { "  - \($0)" } }
        let upgrades = tiers.filter(\.isNext)
        if channel == Channel.next.name, !upgrades.isEmpty {
            lines.append("in place of the current models:")
            let width = upgrades.map(\.name.count).max() ?? 0
            for tier in upgrades {
                let name = tier.name.padding(toLength: width, withPad: " ", startingAt: 0)
                let size = tier.sizeGB.map { "\($0) GB" }
                let details = [tier.quant ?? (size == nil ? nil : "?"), size].compactMap { $0 }.joined(separator: ", ")
                lines.append("  \(name) -> \(tier.model)" + (details.isEmpty ? "" : " (\(details))"))
            }
        }
        return (lines + notes).joined(separator: "\n")
    }

    private func line(_ name: String, _ part: Part) -> String {
        let title = name.padding(toLength: 11, withPad: " ", startingAt: 0)
        let pid = part.pid.map { "pid \($0)" } ?? "pid ?"
        return switch part.state {
        case .running: "  \(title) \(pid)  \(part.url)"
        case .silent: "  \(title) \(pid)  does not answer  \(part.url)"
        case .down: "  \(title) DOWN  \(part.url)"
        case .other: "  \(title) (other)  \(part.url)  \(part.occupant ?? "")"
        case .notNeeded: "  \(title) not needed: \(tiers.isEmpty ? "models.ini has no tiers" : "every tier is hosted")"
        case .external: "  \(title) external  \(part.url)"
        }
    }
}
