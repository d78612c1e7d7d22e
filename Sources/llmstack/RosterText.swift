import Cluster
import Coordinator

/// The nodes of a cluster as a person reads them.
struct RosterText {
    private let roster: Roster

    /// - Parameter roster: whatever a router answered.
    init(_ roster: Roster) { self.roster = roster.sanitised }

    var text: String {
        var lines = [
            "cluster \(roster.cluster.name) (\(roster.cluster.security.rawValue)), \(count(roster.nodes.count))"
        ]
        for node in roster.nodes {
            lines.append("")
            lines.append(head(node))
            if let machine = node.machine {
                lines.append(
                    "    \(machine.accelerator ?? "processor only"), \(gigabytes(machine.modelMemory)) for models")
            }
            let names = node.tiers.map(\.name.count).max() ?? 0
            for tier in node.tiers { lines.append("    " + line(tier, names)) }
        }
        let differences = differences
        if !differences.isEmpty { lines += [""] + differences }
        return lines.joined(separator: "\n")
    }

    private func count(_ nodes: Int) -> String { nodes == 1 ? "1 node" : "\(nodes) nodes" }

    private func head(_ node: Roster.Entry) -> String {
        var parts = [node.isSelf ? "\(node.name) (this host)" : node.name, node.state]
        if let address = node.address ?? node.addresses.first {
            let host = address.contains(":") ? "[\(address)]" : address
            parts.append(node.port.map { "\(host):\($0)" } ?? host)
        }
        if !node.isSelf { parts.append(node.lastWordMilliseconds.map { "heard \(age($0)) ago" } ?? "never heard") }
        if let policy = node.policy, !policy.accepting { parts.append(policy.reason ?? "draining") }
        if node.power?.source == .battery {
            parts.append("on battery" + (node.power?.level.map { " \(whole($0 * 100)) %" } ?? ""))
        }
        return "  " + (parts + (node.note.map { [$0] } ?? [])).joined(separator: "  ")
    }

    private func line(_ tier: TierReport, _ width: Int) -> String {
        let name = tier.name + String(repeating: " ", count: max(0, width - tier.name.count))
        var state = tier.state.rawValue
        if let downloaded = tier.downloaded { state += " \(whole(downloaded * 100)) %" }
        var parts = [name, state, "\(tier.busy)/\(tier.slots)"]
        if tier.queued > 0 { parts.append("\(tier.queued) waiting") }
        if let rate = tier.speed.prefillRate { parts.append("\(whole(rate)) tok/s in") }
        if let rate = tier.speed.decodeRate { parts.append("\(whole(rate)) tok/s out") }
        if let load = tier.speed.loadSeconds { parts.append("loads in \(whole(load.rounded())) s") }
        if !tier.shared { parts.append("not shared") }
        if let note = tier.note { parts.append(note) }
        return parts.joined(separator: "  ")
    }

    // MARK: Models

    /// What a tier's name stands for on some hosts.
    private struct Model {
        let fingerprint: TierReport.Fingerprint
        var hosts: [String] = []
        /// Whether this host is among them.
        var isOwn = false

        var weights: String { fingerprint.family + (fingerprint.file.map { " \($0)" } ?? "") }
    }

    private static let serving: Set = [Membership.Health.up.rawValue, Membership.Health.suspect.rawValue]

    /// A line for each name that stands for several of them, as far as this host may be answered by them.
    private var differences: [String] {
        var models: [String: [Model]] = [:]
        for node in roster.nodes where Self.serving.contains(node.state) {
            for tier in node.tiers where node.isSelf || tier.shared {
                // What `match = exact` does not look at is no difference.
                var fingerprint = tier.fingerprint
                (fingerprint.quant, fingerprint.contextSize) = (nil, 0)
                var known = models[tier.name] ?? []
                let index = known.firstIndex { $0.fingerprint == fingerprint } ?? known.endIndex
                if index == known.endIndex { known.append(Model(fingerprint: fingerprint)) }
                known[index].hosts.append(node.name)
                if node.isSelf { known[index].isOwn = true }
                models[tier.name] = known
            }
        }
        return models.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.map { line($0.key, $0.value) }
    }

    private func line(_ tier: String, _ models: [Model]) -> String {
        let all = models.enumerated().map { index, model in
            let isRepeated = models[..<index].contains { $0.weights == model.weights }
            return model.weights + (isRepeated ? " with other settings" : "") + " on "
                + model.hosts.joined(separator: ", ")
        }
        let families = Set(models.map(\.fingerprint.family))
        let match = families.count == models.count ? "family" : "exact"
        let advice =
            models.contains(where: \.isOwn)
            ? "[NODE] match = \(match) in models.ini has this host ask its own kind only"
            : "This host has none of its own to go by: give them names that differ"
        return "\(tier) stands for different weights or settings: \(all.joined(separator: "; ")). \(advice)"
    }

    private func age(_ milliseconds: Int) -> String {
        milliseconds < 1000 ? "\(milliseconds) ms" : "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }

    private func gigabytes(_ bytes: UInt64) -> String { "\(whole((Double(bytes) / 1e9).rounded())) GB" }

    /// Of any number, infinity and what is none included.
    private func whole(_ value: Double) -> Int { Int(exactly: value.rounded(.down)) ?? 0 }
}
