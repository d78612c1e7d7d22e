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

    private func age(_ milliseconds: Int) -> String {
        milliseconds < 1000 ? "\(milliseconds) ms" : "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }

    private func gigabytes(_ bytes: UInt64) -> String { "\(whole((Double(bytes) / 1e9).rounded())) GB" }

    /// Of any number, infinity and what is none included.
    private func whole(_ value: Double) -> Int { Int(exactly: value.rounded(.down)) ?? 0 }
}
