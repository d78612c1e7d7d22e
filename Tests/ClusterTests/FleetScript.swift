import Cluster

/// A cluster as text, one host a line:
///
///     studio* up code-smart ready 1/2 load=20 prefill=1000 decode=50 ctx=64000; plan stopped
///
/// A star: the router's own. `busy/slots`; `wait=r:60` tells of a request that waits; what is left out is as in ``Host/init(line:)``.
struct FleetScript {
    var fleet: Fleet

    init(_ text: String, match: NodeSection.Match = .name) {
        fleet = Fleet(match: match)
        for line in text.split(separator: "\n") where !line.allSatisfy(\.isWhitespace) {
            fleet.set(Host(line: line))
        }
    }
}

extension Host {
    init(line: Substring) {
        let parts = line.split(separator: ";").map { $0.split(separator: " ") }
        var words = parts[0]
        var name = String(words.removeFirst())
        let isLocal = name.hasSuffix("*")
        if isLocal { name.removeLast() }
        let health = String(words.removeFirst())
        var node = NodeDescription(
            id: NodeID("\(name)00000000"), name: name, cluster: ClusterID("cluster0"), clusterName: "team",
            version: "1",
            machine: .init(platform: "linux/x86_64", accelerator: "card", modelMemory: 1, memory: 1), epoch: 1,
            tiers: ([words] + parts.dropFirst()).map(TierReport.init))
        if health == "draining" { node.policy.accepting = false }
        if health == "battery" { node.power.source = .battery }
        if isLocal {
            self.init(local: node)
        } else {
            let place = Place(host: "10.0.0.\(name.utf8.count)", port: 10103)
            var membership = Membership(own: NodeID("own"), cluster: node.cluster)
            _ = membership.named(place)
            _ = membership.described(Membership.lead(to: place), node, from: place, at: 0)
            var member = membership.members[node.id]!
            member.health = Membership.Health(rawValue: health) ?? .up
            member.evidence = .pings
            self.init(member)!
        }
    }
}

extension TierReport {
    fileprivate init(_ words: [Substring]) {
        self.init(name: String(words[0]), fingerprint: .init(family: "family", contextSize: 0), state: .ready)
        speed = TierSpeed(loadSeconds: 10, prefillRate: 1000, decodeRate: 50)
        for word in words.dropFirst() {
            let pair = word.split(separator: "=")
            switch pair[0] {
            case "load": speed.loadSeconds = Double(pair[1])
            case "prefill": speed.prefillRate = Double(pair[1])
            case "decode": speed.decodeRate = Double(pair[1])
            case "ctx": fingerprint.contextSize = Int(pair[1]) ?? 0
            case "family": fingerprint.family = String(pair[1])
            case "rest": loadRemaining = Double(pair[1])
            case "alias": aliases = [String(pair[1])]
            case "wait":
                let words = pair[1].split(separator: ":")
                waiting.append(Waiting(request: String(words[0]), seconds: Double(words[1]) ?? 0))
            case "private": shared = false
            case "hosted": backend = .bedrock
            case let load where load.contains("/"):
                let counts = load.split(separator: "/").compactMap { Int($0) }
                (busy, slots) = (counts[0], counts[1])
            default: state = TierState(rawValue: String(word)) ?? .unknown
            }
        }
    }
}

extension Fleet.Decision {
    /// The host's name, or `-` and why there is none.
    var text: String {
        switch self {
        case .host(let verdict): verdict.name
        case .unserved(let unserved): "- \(unserved.why)"
        }
    }
}
