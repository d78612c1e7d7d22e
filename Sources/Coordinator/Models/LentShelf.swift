package import Cluster

/// What other nodes lend, and whom to ask for it: the news and the time in, questions out.
///
/// 1. A node that is up or suspect and lends anything is asked for its models.ini as it comes, and again whenever the
///    tiers that it lends are others than before.
/// 2. What it answered last is kept until it answers anew, and goes when the node does.
/// 3. What cannot be had, or read, is asked for again after a while; what was had, after a longer one: a description can
///    change without the tiers.
package struct LentShelf: Sendable {
    /// To be asked of a node.
    package struct Question: Equatable, Sendable {
        package var number: Int
        package var node: NodeID
        package var name: String
        package var place: Place
    }

    /// A tier that others lend, for `/v1/models`.
    package struct OthersTier: Equatable, Sendable {
        package var name: String
        package var aliases: [String]
        package var role: String
        /// The name, where nothing better is known.
        package var description: String
        /// Names of the nodes that can serve it, sorted.
        package var hosts: [String]
    }

    /// Seconds until a node is asked again that did not answer: the first doubles up to the second.
    package static let retryFirst = 1.0
    package static let retryLimit = 60.0
    /// Seconds until one is asked again that did.
    package static let refresh = 300.0
    /// Questions under way.
    package static let concurrency = 16

    /// What a node says of a tier that its models.ini says too.
    private struct Outline: Equatable {
        var name: String
        var aliases: [String]
        var role: String
        var fingerprint: TierReport.Fingerprint
    }

    private struct Shelved {
        var name: String
        var place: Place
        var epoch: UInt64
        /// Those that it lends.
        var tiers: [TierReport]
        var file: LentFile?
        /// Of the question under way.
        var question: Int?
        /// When to ask, in the caller's seconds; nil while the answer is awaited.
        var due: Double?
        var failures = 0

        var outlines: [Outline] {
            tiers.map { .init(name: $0.name, aliases: $0.aliases, role: $0.role, fingerprint: $0.fingerprint) }
        }
    }

    private var nodes: [NodeID: Shelved] = [:]
    private var lastNumber = 0

    package init() {}

    /// A member is another than before; nil: it is none any more.
    ///
    /// - Returns: whether there may be something to ask.
    package mutating func changed(_ id: NodeID, _ member: Membership.Member?, at now: Double) -> Bool {
        guard let member, member.health == .up || member.health == .suspect, let place = member.place,
            let description = member.description
        else {
            // 2
            nodes[id] = nil
            return false
        }
        let old = nodes[id]
        var new = Shelved(
            name: description.name, place: place, epoch: description.epoch,
            tiers: description.tiers.filter(\.shared), file: old?.file, question: old?.question, due: old?.due,
            failures: old?.failures ?? 0)
        // 1
        let isNews = old.map { $0.outlines != new.outlines || $0.epoch != new.epoch || $0.name != new.name } ?? true
        if isNews {
            new.due = now
            new.failures = 0
        }
        nodes[id] = new
        return isNews
    }

    /// What to ask now.
    package mutating func due(at now: Double) -> [Question] {
        let room = Self.concurrency - nodes.values.count { $0.question != nil }
        let waiting = nodes.filter { $1.question == nil && !$1.tiers.isEmpty && ($1.due ?? .infinity) <= now }
        var questions: [Question] = []
        for (id, node) in waiting.sorted(by: { ($0.value.due ?? 0) < ($1.value.due ?? 0) }).prefix(max(0, room)) {
            lastNumber += 1
            nodes[id]?.question = lastNumber
            nodes[id]?.due = nil
            questions.append(.init(number: lastNumber, node: id, name: node.name, place: node.place))
        }
        return questions
    }

    /// - Parameter file: nil where it could not be had.
    /// - Returns: how many times in a row this node has failed to say.
    package mutating func answered(_ question: Question, _ file: LentFile?, at now: Double) -> Int {
        guard var node = nodes[question.node], node.question == question.number else { return 0 }
        node.question = nil
        node.failures = file == nil ? node.failures + 1 : 0
        node.file = file ?? node.file
        // 3
        let pause =
            file == nil
            ? min(Self.retryLimit, Self.retryFirst * Double(1 << min(node.failures - 1, 10))) : Self.refresh
        // News that came meanwhile wait no longer for it.
        node.due = min(node.due ?? .infinity, now + pause)
        nodes[question.node] = node
        return node.failures
    }

    /// Of the tiers that each node lends now.
    package var files: [LentFile] {
        nodes.values.compactMap { node in node.file?.only(Set(node.tiers.map(\.name))) }
    }

    /// Those that a node can serve now, by name of the node and in the order of its file. Of one name, the first node says
    /// what it is.
    package var tiers: [OthersTier] {
        var tiers: [OthersTier] = []
        var indices: [String: Int] = [:]
        for (_, node) in nodes.sorted(by: { ($0.value.name, $0.key.description) < ($1.value.name, $1.key.description) })
        {
            for report in node.tiers where report.state.canServe {
                if let index = indices[report.name] {
                    if tiers[index].hosts.last != node.name { tiers[index].hosts.append(node.name) }
                    continue
                }
                indices[report.name] = tiers.count
                let known = node.file?.tiers.first { $0.tier.name == report.name }?.tier
                tiers.append(
                    .init(
                        name: report.name, aliases: report.aliases, role: report.role,
                        description: known?.description ?? report.name, hosts: [node.name]))
            }
        }
        return tiers
    }
}
