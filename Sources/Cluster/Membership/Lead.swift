/// A hint that a node may be somewhere: an advertised service, or an address that somebody named.
package enum Lead: Hashable, Sendable, Codable {
    /// A DNS-SD instance, and the host that has it: a name is unique on a link only.
    case service(name: String, host: String)
    /// `HOST:PORT`, as it was named.
    case address(String)
    /// Where a node was when this router last knew it: for networks that multicast does not pass.
    case memory(NodeID)
}

/// Services first, memories last: of several leads to a node the same one is taken whenever all else is the same.
extension Lead: Comparable {
    package static func < (one: Lead, other: Lead) -> Bool { one.order < other.order }

    private var order: (Int, String, String) {
        switch self {
        case .service(let name, let host): (0, name, host)
        case .address(let address): (1, address, "")
        case .memory(let node): (2, node.rawValue, "")
        }
    }
}

/// Where a lead may be reached.
package struct Place: Hashable, Sendable, Codable {
    /// A numeric address, with its zone where it is link-local, or a host name.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// What speaks for a node's health, for people and the ledger.
package enum Evidence: Equatable, Sendable, Codable, CustomStringConvertible {
    case described
    case pings
    /// Seconds without a word.
    case silent(Double)
    /// Seconds for which this host slept: what it knew of others is as old.
    case slept(Double)
    /// A connection was refused, reset, or ended; or a fresh one could not be made.
    case connection(String)
    /// Its service was withdrawn.
    case withdrawn
    /// Nobody wants to know of it any more.
    case forgotten
    /// Another node is where it was.
    case replaced(NodeID)
    /// It was only remembered, and has been away for long.
    case away

    package var description: String {
        switch self {
        case .described: "it described itself"
        case .pings: "it was heard again"
        case .silent(let seconds): "not heard for \(tenths(seconds)) s"
        case .slept(let seconds): "this host slept for \(tenths(seconds)) s"
        // Words of the other side may be in it.
        case .connection(let text): text.printable()
        case .withdrawn: "it said goodbye"
        case .forgotten: "it was removed from the list"
        case .replaced(let node): "node \(node) answers there now"
        case .away: "it was away for long, and nobody announces it"
        }
    }

    private func tenths(_ seconds: Double) -> String {
        let tenths = Int((min(max(seconds, 0), 1e9) * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
