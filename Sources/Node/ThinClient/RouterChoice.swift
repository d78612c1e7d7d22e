package import Cluster

/// Decides which of the routers that were found a thin client uses.
package enum RouterChoice: Equatable, Sendable {
    /// What is looked for.
    package enum Wanted: Equatable, Sendable {
        case any
        /// A cluster's name or id, a router's name, or its host's; capitals do not count.
        case name(String)
        /// Of that cluster, which its id tells; the node first where there is one.
        case cluster(ClusterIdentity, preferred: NodeID?)
        /// Of the cluster whose authority has this pin: the one that a token is for.
        case authority(String)

        /// Whether this one alone would do, so that no others need be waited for.
        package func matches(_ candidate: RouterCandidate) -> Bool {
            switch self {
            case .any: true
            case .name(let name): Self.kinds.contains { $0(candidate, name.lowercased()) }
            case .cluster(let cluster, let preferred):
                candidate.cluster == cluster.id && (preferred.map { $0 == candidate.node } ?? true)
            case .authority(let pin): candidate.authority == pin
            }
        }

        fileprivate static let kinds: [@Sendable (RouterCandidate, String) -> Bool] = [
            { $0.clusterName.lowercased() == $1 }, { $0.cluster?.description.lowercased() == $1 },
            { $0.name.lowercased() == $1 }, { $0.host.lowercased() == $1 || $0.host.lowercased() == "\($1).local" },
        ]
        /// From here on a kind names a router and not its cluster.
        fileprivate static let firstOfRouters = 2
    }

    /// Use the first; the others, of the same cluster, stand in for it. `preferred` is a router that was asked for.
    case use([RouterCandidate], preferred: NodeID?)
    /// Let the user choose; each is a cluster's routers, the nearest first.
    case ask([[RouterCandidate]])
    /// As above, but there is nobody to ask.
    case list([[RouterCandidate]])
    /// What was asked for is there, but cannot be used.
    case unusable([RouterCandidate])
    /// There are routers, but not of that name or that cluster.
    case unknown([RouterCandidate])
    case nothing

    /// 1. Nothing was found.
    /// 2. Narrow it to what was asked for; a name is a cluster's before it is a router's. Nothing is left: unknown.
    /// 3. None of it can be used.
    /// 4. It is one cluster: use it, the nearest router first, but a router that was asked for before all others.
    /// 5. It is several: ask, or list them where nobody can be asked.
    package init(among found: [RouterCandidate], wanted: Wanted, isTerminal: Bool) {
        // 1.
        guard !found.isEmpty else {
            self = .nothing
            return
        }
        // 2.
        var matching = found
        var namesRouter = false
        var preferred: NodeID?
        switch wanted {
        case .any: break
        case .cluster(let cluster, let node):
            matching = found.filter { $0.cluster == cluster.id }
            preferred = node
        case .authority(let pin):
            matching = found.filter { $0.authority == pin }
        case .name(let name):
            let kind = Wanted.kinds.firstIndex { kind in found.contains { kind($0, name.lowercased()) } }
            matching = kind.map { kind in found.filter { Wanted.kinds[kind]($0, name.lowercased()) } } ?? []
            namesRouter = kind.map { $0 >= Wanted.firstOfRouters } ?? false
        }
        guard !matching.isEmpty else {
            self = .unknown(found)
            return
        }
        // 3.
        let live = matching.filter(\.isLive)
        guard !live.isEmpty else {
            self = .unusable(matching)
            return
        }
        let clusters = Self.clusters(live)
        // 4.
        if clusters.count == 1, let first = clusters.first?.first {
            if namesRouter { preferred = first.node }
            let all = Self.clusters(found.filter { $0.isLive && $0.cluster == first.cluster }).first ?? [first]
            self = .use(
                all.filter { $0.node == preferred } + all.filter { $0.node != preferred }, preferred: preferred)
            return
        }
        // 5.
        self = isTerminal ? .ask(clusters) : .list(clusters)
    }

    /// Clusters by name, within each the nearest router first.
    private static func clusters(_ candidates: [RouterCandidate]) -> [[RouterCandidate]] {
        Dictionary(grouping: candidates) { $0.cluster }.values
            .map { $0.sorted(by: RouterCandidate.isNearer) }
            .sorted { left, right in
                func key(_ routers: [RouterCandidate]) -> (String, String) {
                    (routers.first?.clusterName ?? "", routers.first?.cluster?.description ?? "")
                }
                return key(left) < key(right)
            }
    }

    /// What the user answered when asked: a number from 1 on, or a cluster's name where only one has it.
    ///
    /// - Returns: nil when it is neither.
    package static func pick(_ answer: String, of clusters: [[RouterCandidate]]) -> [RouterCandidate]? {
        let words = answer.split(whereSeparator: \.isWhitespace)
        guard words.count == 1, let word = words.first else { return nil }
        if let number = Int(word) { return clusters.indices.contains(number - 1) ? clusters[number - 1] : nil }
        let named = clusters.filter { $0.first?.clusterName.lowercased() == word.lowercased() }
        return named.count == 1 ? named.first : nil
    }
}
