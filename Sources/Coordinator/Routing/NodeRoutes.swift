import Cluster
import Foundation
import NIOCore
package import Wire

/// The routes under `/llmstack/v1/`: what this node is, whom it knows, and whether it takes work. None of them is on the
/// path of a completion.
package final class NodeRoutes: Sendable {
    package let node: any LocalNode
    package let gate: any TierGate
    /// What is known of the cluster's hosts.
    package let book: FleetBook
    /// What other nodes lend; nil where nobody is asked.
    let others: LentCatalogs?
    let transport: ClusterTransport
    let roster: @Sendable () -> Roster
    let note: @Sendable (() -> PlacementRecord) -> Void

    /// - Parameters:
    ///   - roster: whom this node knows, now.
    ///   - note: takes what became of a request, if it wants it. Called on event loops: it must not block.
    package init(
        node: any LocalNode, gate: any TierGate, book: FleetBook, others: LentCatalogs? = nil,
        transport: ClusterTransport = .plain, roster: @escaping @Sendable () -> Roster,
        note: @escaping @Sendable (() -> PlacementRecord) -> Void = { _ in }
    ) {
        self.node = node
        self.gate = gate
        self.book = book
        self.others = others
        self.transport = transport
        self.roster = roster
        self.note = note
    }

    // MARK: What others lend

    /// For `/models.ini`: none for those that ask for this node's own.
    func othersFiles(_ head: RequestHead) -> [LentFile] {
        guard let others, Self.query(head.target)[LentCatalogs.ownOnly.name[...]] != LentCatalogs.ownOnly.value else {
            return []
        }
        return others.files
    }

    /// For `/v1/models`: none for another node's router, which knows them itself.
    func othersTiers(_ head: RequestHead) -> [LentShelf.OthersTier] {
        head.fields.contains(HopFields.hop) ? [] : others?.tiers ?? []
    }

    // MARK: This node

    func description() -> Reply { Self.json(node.description) }

    func cluster() -> Reply { Self.json(roster()) }

    /// The whole description, then what changes, and a ping a second: how other nodes know that this one lives.
    func events() -> Admission {
        let head = ReplyHead(
            status: 200, fields: ["content-type": "text/event-stream", "cache-control": "no-store"])
        return .stream(head) { stream in
            EventFeed(self.node, stream).start()
        }
    }

    // MARK: Draining

    /// `POST /llmstack/v1/drain[?node=NAME][&undo=1]`.
    ///
    /// - Parameter forwards: whether another node may be meant: one hop, never two.
    func drain(_ head: RequestHead, _ errands: Errands, forwards: Bool) -> EventLoopFuture<Reply> {
        let query = Self.query(head.target)
        let isUndone = query["undo"] == "1"
        let own = node.description
        let those = query["node"].map { nodes(called: $0, own) } ?? []
        guard those.count < 2 else {
            let ids = those.map(\.id.description).joined(separator: ", ")
            return errands.loop.makeSucceededFuture(
                OpenAIError(409, "ambiguous_node", "\(those.count) nodes are called \(those[0].name): \(ids).").reply)
        }
        if let name = query["node"], those.first?.id != own.id {
            guard forwards, let entry = those.first, let address = entry.address, let port = entry.port else {
                return errands.loop.makeSucceededFuture(
                    OpenAIError(404, "node_not_found", "No node is called \(name); llmstack nodes lists them.").reply)
            }
            let request = RequestHead(method: "POST", target: "/llmstack/v1/drain" + (isUndone ? "?undo=1" : ""))
            return errands.fetch(
                request, from: transport.endpoint(Place(host: address, port: port), entry.id), limit: 1 << 20
            ).recover { failure in
                OpenAIError(503, "no_node_available", "\(name) cannot be reached: \(failure)", retryAfter: 5).reply
            }
        }
        node.drain(isUndone ? nil : "drained by hand")
        return errands.loop.makeSucceededFuture(description())
    }

    private static let present: Set = [Membership.Health.up.rawValue, Membership.Health.suspect.rawValue]

    /// The node of an id, else those of a name; of several of a name, as one that joined anew leaves behind, those that
    /// are there.
    private func nodes(called name: String, _ own: NodeDescription) -> [Roster.Entry] {
        let all = [Roster.Entry(own, addresses: [], port: 0)] + roster().nodes.filter { $0.id != own.id }
        if let one = all.first(where: { $0.id.description == name }) { return [one] }
        let named = all.filter { $0.name == name }
        let present = named.filter { Self.present.contains($0.state) }
        return present.isEmpty ? Array(named.prefix(1)) : present
    }

    private static func query(_ target: String) -> [Substring: String] {
        var values: [Substring: String] = [:]
        let question = target.firstIndex(of: "?") ?? target.endIndex
        for pair in target[question...].dropFirst().split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            values[parts[0]] = parts[1].removingPercentEncoding
        }
        return values
    }

    static func json(_ value: some Encodable) -> Reply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Reply(
                status: 200, fields: ["content-type": "application/json"],
                body: ByteBuffer(bytes: try encoder.encode(value)))
        } catch {
            return OpenAIError(500, "internal_error", "\(error)").reply
        }
    }
}
