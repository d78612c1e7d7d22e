import Cluster
import Wire

/// One request of somebody who was let in, until its exchange is over. Used on its connection's event loop.
final class Visit: ExchangePass {
    enum Visitor {
        case node(PeerIdentity, name: String)
        case client(AccessEntry)

        /// A node's id, or a key's eight characters.
        var id: String {
            switch self {
            case .node(let identity, _): identity.node.description
            case .client(let entry): entry.id
            }
        }

        var name: String {
            switch self {
            case .node(_, let name): name
            case .client(let entry): entry.name
            }
        }

        var isNode: Bool { if case .node = self { true } else { false } }
    }

    let visitor: Visitor
    let handle: ConnectionHandle
    /// Whether it counts against its key's limits.
    let isCounted: Bool
    private let action: String
    private let address: String
    private let began = Uptime.seconds
    private let doorkeeper: Doorkeeper
    /// What became of it at a host.
    private var outcome = (tier: "", node: "", status: 0, tokens: Int?.none)

    init(_ visitor: Visitor, _ peer: Peer, action: String, isCounted: Bool, _ doorkeeper: Doorkeeper) {
        self.visitor = visitor
        handle = peer.handle
        address = peer.address
        self.action = action
        self.isCounted = isCounted
        self.doorkeeper = doorkeeper
    }

    /// A host has served it, or not. Where it went to several, the last word counts.
    func served(_ tier: String, by node: String, status: Int, tokens: Int?) {
        outcome = (tier, node, status, tokens)
    }

    /// A host's word counts before what went out: that may have been a head to keep the client's patience.
    func exchangeEnded(status: Int) {
        let elapsed = Uptime.seconds - began
        doorkeeper.left(
            self,
            AuditRecord(
                time: WallClock.now - elapsed, actor: visitor.id, name: visitor.name, address: address, action: action,
                subject: outcome.tier, node: outcome.node, status: outcome.status == 0 ? status : outcome.status,
                tokens: outcome.tokens, milliseconds: Int(elapsed * 1000)))
    }
}
