package import Cluster

/// The nodes that a router knows, itself first: the payload of `/llmstack/v1/cluster`.
package struct Roster: Equatable, Sendable, Codable {
    package var cluster: ClusterIdentity
    package var nodes: [Entry]

    package struct Entry: Equatable, Sendable, Codable {
        package var id: NodeID
        package var name: String
        /// ``Membership/Health`` in a word.
        package var state: String
        /// Why, for people; nil where the state says it all.
        package var note: String?
        /// Whether it is the router that answers.
        package var isSelf: Bool
        /// `mdns`, `list` or `memory`: how it was found.
        package var source: String
        package var addresses: [String]
        /// Where it was reached last.
        package var address: String?
        package var port: Int?
        /// Milliseconds since it was heard.
        package var lastWordMilliseconds: Int?
        /// What it says of itself; nil before it has.
        package var version: String?
        package var machine: NodeDescription.Machine?
        package var tiers: [TierReport]
        package var policy: NodeDescription.Policy?
        package var power: NodeDescription.Power?

        enum CodingKeys: String, CodingKey {
            case id, name, state, note, source, addresses, address, port, version, machine, tiers, policy, power
            case isSelf = "self"
            case lastWordMilliseconds = "last_word_ms"
        }
    }

    package init(cluster: ClusterIdentity, nodes: [Entry]) {
        self.cluster = cluster
        self.nodes = nodes
    }
}

extension Roster {
    /// The roster with the bounds of `NodeDescription.sanitised`: the router that answers may be another host's.
    package var sanitised: Roster {
        Roster(
            cluster: ClusterIdentity(id: cluster.id, name: cluster.name.printable(), security: cluster.security),
            nodes: nodes.map(\.sanitised))
    }

    /// As a host has it that asked another's router: none of the nodes is that host itself, and the one that answered
    /// has just been heard.
    package var ofAnotherHost: Roster {
        var roster = self
        for index in nodes.indices where nodes[index].isSelf {
            roster.nodes[index].isSelf = false
            roster.nodes[index].lastWordMilliseconds = 0
        }
        return roster
    }
}

extension Roster.Entry {
    fileprivate var sanitised: Roster.Entry {
        var clean = self
        clean.name = name.printable()
        clean.state = state.printable()
        clean.note = note?.printable()
        clean.source = source.printable()
        clean.addresses = addresses.map { $0.printable() }
        clean.address = address?.printable()
        clean.lastWordMilliseconds = lastWordMilliseconds.map { max(0, $0) }
        clean.version = version?.printable()
        clean.machine = machine?.sanitised
        clean.tiers = tiers.map(\.sanitised)
        clean.policy = policy?.sanitised
        clean.power = power?.sanitised
        return clean
    }

    /// The node itself.
    package init(_ own: NodeDescription, addresses: [String], port: Int) {
        self.init(
            id: own.id, name: own.name, state: Membership.Health.up.rawValue, isSelf: true, source: "mdns",
            addresses: addresses, address: addresses.first, port: port, lastWordMilliseconds: 0, version: own.version,
            machine: own.machine, tiers: own.tiers, policy: own.policy, power: own.power)
    }

    /// - Parameter now: seconds of the clock that the membership is told.
    init(_ member: Membership.Member, at now: Double) {
        let description = member.description
        let source =
            switch member.lead {
            case .service: "mdns"
            case .address: "list"
            case .memory: "memory"
            }
        self.init(
            id: member.id, name: description?.name ?? member.advertisedName, state: member.health.rawValue,
            note: member.health == .up ? nil : member.evidence.description, isSelf: false, source: source,
            addresses: member.places.map(\.host), address: member.place?.host,
            port: member.place?.port ?? member.places.first?.port,
            lastWordMilliseconds: member.lastWord.map { Int(min(max(0, now - $0), 1e9) * 1000) },
            version: description?.version,
            machine: description?.machine, tiers: description?.tiers ?? [], policy: description?.policy,
            power: description?.power)
    }
}
