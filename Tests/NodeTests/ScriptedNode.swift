import Cluster
import Foundation
import Node
import Synchronization

/// A node of a cluster as tests describe it, announced and answering.
struct ScriptedNode: Sendable {
    var name = "desktop"
    var cluster = "studio"
    var protocolVersion = 1
    var tiers = ["code-smart", "plan"]
    var isAccepting = true

    /// As long as TXT records have it.
    var id: NodeID { NodeID("node-\(name)") }
    var clusterID: ClusterID { ClusterID("cluster-\(cluster)") }

    var txt: [String] {
        ["v=1", "cid=\(clusterID)", "id=\(id)", "name=\(cluster)", "gen=1", "tiers=\(tiers.joined(separator: ","))"]
    }

    func sighting(_ addresses: [String], port: Int = 10103) -> RouterSighting {
        RouterSighting(
            id: .init(name: name, host: "\(name).local"), port: port, txt: txt, addresses: addresses.map { .init($0) })
    }

    /// What `/llmstack/v1/node` answers.
    var json: String {
        var description = NodeDescription(
            id: id, name: name, cluster: clusterID, clusterName: cluster, version: "9.9.9",
            machine: .init(platform: "linux/x86_64", accelerator: nil, modelMemory: 1, memory: 1), epoch: 1,
            tiers: tiers.map { tier in
                TierReport(
                    name: tier, aliases: [], role: "agent", backend: .gguf, shared: true,
                    fingerprint: .init(family: "a/b"), state: .stopped, slots: 1)
            }, policy: .init(share: tiers, accepting: isAccepting))
        description.protocolVersion = protocolVersion
        return (try? JSONEncoder().encode(description)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    static let ini = "[solo]\nrole = fast\nctx_size = 4096\nhf_repo = a/b\nhf_file = c.gguf\n"
}

/// Nodes by URL, for whoever asks; which of them are there can change.
final class ScriptedNetwork: Sendable {
    struct Silent: Error {}

    private let nodes: Mutex<[String: ScriptedNode]>
    private let asked = Mutex<[String]>([])

    init(_ nodes: [String: ScriptedNode] = [:]) { self.nodes = Mutex(nodes) }

    /// URLs, in the order in which they were asked for.
    var requests: [String] { asked.withLock { $0 } }

    func put(_ node: ScriptedNode?, at url: String) { nodes.withLock { $0[url] = node } }

    var probe: Probe {
        Probe { [self] url, _ in
            asked.withLock { $0.append(url) }
            for (base, node) in nodes.withLock({ $0 }) where url.hasPrefix("\(base)/") {
                switch url.dropFirst(base.count) {
                case "/llmstack/v1/node": return (200, Array(node.json.utf8))
                case "/models.ini": return (200, Array(ScriptedNode.ini.utf8))
                default: return (404, [])
                }
            }
            throw Silent()
        }
    }

    func finder(_ news: [RouterNews]) -> RouterFinder {
        RouterFinder(directory: .scripted(news), probe: probe, limits: .patient)
    }
}

extension RouterSearchState.Limits {
    /// A scripted search ends with its script; the time is for a test that has gone wrong, or has a slow machine.
    static var patient: Self {
        var limits = Self()
        limits.limit = .seconds(60)
        return limits
    }
}

extension RouterDirectory {
    /// Tells this and no more.
    static func scripted(_ news: [RouterNews]) -> RouterDirectory {
        RouterDirectory { hear in
            news.forEach(hear)
        } interfaces: {
            [SearchedInterface(name: "eth0", addresses: ["10.0.0.7"])]
        }
    }
}
