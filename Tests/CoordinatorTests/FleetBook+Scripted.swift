import Cluster
import Coordinator

extension FleetBook {
    /// A host that is up.
    ///
    /// - Parameter waiting: names of requests in line there, a minute before each one's turn.
    func add(_ name: String, _ tiers: [String], at port: Int, prefillRate: Double, waiting: [String] = []) {
        let reports = tiers.map {
            TierReport(
                name: $0, aliases: ["my-\($0)", "\(name)-\($0)"], fingerprint: .init(family: $0), state: .ready,
                waiting: waiting.map { .init(request: $0, seconds: 60) },
                speed: TierSpeed(loadSeconds: 1, prefillRate: prefillRate, decodeRate: 50))
        }
        tell(of: name, reports, at: port) { _ in }
    }

    /// The host is down.
    ///
    /// - Parameter evidence: why.
    func fell(_ name: String, at port: Int, _ evidence: Evidence) {
        tell(of: name, [], at: port) { member in
            member.health = .down
            member.evidence = evidence
        }
    }

    private func tell(
        of name: String, _ tiers: [TierReport], at port: Int, _ change: (inout Membership.Member) -> Void
    ) {
        let node = NodeDescription(
            id: NodeID("\(name)00000000"), name: name, cluster: ClusterID("cluster0"), clusterName: "team",
            version: "1",
            machine: .init(platform: "linux", accelerator: nil, modelMemory: 1, memory: 1), epoch: 1, tiers: tiers)
        let place = Place(host: "127.0.0.1", port: port)
        var membership = Membership(own: NodeID("own"), cluster: node.cluster)
        _ = membership.named(place)
        _ = membership.described(Membership.lead(to: place), node, from: place, at: 0)
        guard var member = membership.members[node.id] else { return }
        change(&member)
        changed(node.id, member)
    }
}
