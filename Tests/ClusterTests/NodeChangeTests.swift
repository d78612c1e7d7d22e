import Cluster
import Foundation
import Testing

struct NodeChangeTests {
    private static let base: NodeDescription = {
        func tier(_ name: String) -> TierReport {
            TierReport(name: name, aliases: ["a-\(name)"], role: "plan", fingerprint: .init(family: "o/\(name)"))
        }
        return NodeDescription(
            id: NodeID("qrstuvwxyz234567"), name: "studio", cluster: ClusterID("abcdefghijklmnop"), clusterName: "w",
            version: "0.1.0",
            machine: .init(platform: "linux/x86_64", accelerator: nil, modelMemory: 1 << 34, memory: 1 << 35),
            epoch: 1, sequence: 7, tiers: [tier("plan"), tier("code-smart")], residentSets: [["plan"]],
            policy: .init(share: ["plan"]), power: .init(source: .mains))
    }()

    struct Step: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var make: @Sendable (inout NodeDescription) -> Void
        /// Which parts the change has.
        var parts: String

        init(_ description: String, _ parts: String, _ make: @escaping @Sendable (inout NodeDescription) -> Void) {
            testDescription = description
            self.parts = parts
            self.make = make
        }
    }

    static let steps = [
        Step("nothing", "") { _ in },
        Step("a state", "tiers: plan") { $0.tiers[0].state = .loading },
        Step("both tiers", "tiers: plan code-smart") {
            $0.tiers[0].busy = 1
            $0.tiers[1].speed.decodeRate = 20
        },
        Step("a state taken back", "tiers: code-smart") {
            $0.tiers[1].note = "x"
            $0.tiers[1].downloaded = 0.5
        },
        Step("who waits", "tiers: plan") { $0.tiers[0].waiting = [.init(request: "r1", seconds: 2.5)] },
        Step("how far a load is", "tiers: plan") { $0.tiers[0].loadRemaining = 12 },
        Step("the policy", "policy") { $0.policy = .init(share: [], accepting: false, reason: "drained") },
        Step("the power", "power") { $0.power = .init(source: .battery, level: 0.4) },
        Step("all of them", "tiers: plan policy power") {
            $0.tiers[0].state = .ready
            $0.policy.share = []
            $0.power.level = 1
        },
    ]

    @Test(arguments: steps)
    func `A change made from two descriptions leads from one to the other, as JSON too`(step: Step) throws {
        var new = Self.base
        new.sequence += 1
        step.make(&new)
        let change = try #require(new.change(since: Self.base))
        var parts = change.tiers.map { ["tiers:"] + $0.map(\.name) } ?? []
        if change.policy != nil { parts.append("policy") }
        if change.power != nil { parts.append("power") }
        #expect(parts.joined(separator: " ") == step.parts)
        let sent = try JSONDecoder().decode(NodeChange.self, from: JSONEncoder().encode(change))
        #expect(sent == change)
        var rebuilt = Self.base
        rebuilt.apply(sent)
        #expect(rebuilt == new)
    }

    @Test(arguments: [
        Step("a tier was added", "") { $0.tiers.append(.init(name: "new", fingerprint: .init(family: "o/n"))) },
        Step("a tier has gone", "") { $0.tiers.removeLast() },
        Step("other order", "") { $0.tiers.reverse() },
        Step("another name", "") { $0.name = "attic" },
        Step("another start", "") { $0.epoch = 2 },
        Step("another machine", "") { $0.machine.accelerator = "NVIDIA L4" },
        Step("other sets", "") { $0.residentSets = [] },
    ])
    func `What no change can say needs the whole`(step: Step) {
        var new = Self.base
        new.sequence += 1
        step.make(&new)
        #expect(new.change(since: Self.base) == nil)
    }

    @Test func `A change for a tier that is not known leaves it out`() {
        var description = Self.base
        description.apply(NodeChange(sequence: 9, tiers: [.init(name: "new", fingerprint: .init(family: "o/n"))]))
        var expected = Self.base
        expected.sequence = 9
        #expect(description == expected)
    }

    @Test func `A description of a newer node is read: its fields are passed over, its words are unknown`() throws {
        var object = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(Self.base)) as? [String: Any])
        object["colour"] = ["green": 1]
        var tiers = try #require(object["tiers"] as? [[String: Any]])
        tiers[0]["state"] = "warming"
        tiers[0]["backend"] = "npu"
        tiers[0]["mood"] = 3
        object["tiers"] = tiers
        object["power"] = ["source": "solar", "panels": 2] as [String: Any]
        let read = try JSONDecoder().decode(
            NodeDescription.self, from: JSONSerialization.data(withJSONObject: object))
        var expected = Self.base
        expected.tiers[0].state = .unknown
        expected.tiers[0].backend = .unknown
        expected.power = .init(source: .unknown)
        #expect(read == expected)
        #expect(!read.tiers[0].state.canServe)
    }

    @Test func `A description of an older node has nobody waiting`() throws {
        var object = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(Self.base)) as? [String: Any])
        object["tiers"] = try #require(object["tiers"] as? [[String: Any]]).map { tier in
            tier.filter { $0.key != "waiting" }
        }
        let read = try JSONDecoder().decode(NodeDescription.self, from: JSONSerialization.data(withJSONObject: object))
        #expect(read == Self.base)
    }

    @Test func `A description is sent with the fields' names of the design`() throws {
        var described = Self.base
        described.tiers[0].waiting = [.init(request: "r1", seconds: 2.5)]
        described.tiers[0].loadRemaining = 12
        let text = String(decoding: try JSONEncoder().encode(described), as: UTF8.self)
        for name in [
            "id", "name", "cluster", "cluster_name", "version", "protocol", "machine", "platform", "memory_bytes",
            "model_memory_bytes", "epoch", "seq", "tiers", "backend", "role", "aliases", "fingerprint", "family", "ctx",
            "state", "slots", "busy", "queued", "waiting", "request", "seconds",
            "load_remaining_seconds", "speed", "resident_sets", "policy", "share", "accepting", "power",
            "source",
        ] {
            #expect(text.contains("\"\(name)\":"), "\(name)")
        }
    }
}
