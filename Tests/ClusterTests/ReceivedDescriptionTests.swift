import Cluster
import Testing

/// What others send is computed with and shown: nothing in it may do harm there.
struct ReceivedDescriptionTests {
    private static let evil = "a\u{1b}[2J\u{7f}\u{9b}31m\u{202e}b\u{2028}\u{200f}\u{2066}c\n"

    private static func description(_ id: String = "aaaaaaaa", cluster: String = "cluster0") -> NodeDescription {
        NodeDescription(
            id: NodeID(id), name: evil, cluster: ClusterID(cluster), clusterName: evil, version: evil,
            machine: .init(platform: evil, accelerator: evil, modelMemory: .max, memory: .max), epoch: .max,
            sequence: .max, tiers: Array(repeating: tier, count: 300),
            residentSets: Array(repeating: Array(repeating: evil, count: 300), count: 300),
            policy: .init(share: Array(repeating: evil, count: 300), accepting: false, reason: evil),
            power: .init(source: .battery, level: -.infinity))
    }

    private static let tier = TierReport(
        name: evil, aliases: Array(repeating: evil, count: 300), role: evil,
        fingerprint: .init(family: evil, file: evil, quant: evil, contextSize: .max, settings: evil),
        downloaded: 1e300, note: String(repeating: "x\u{301}", count: 1000), slots: .min, busy: .max, queued: .max,
        waiting: [.init(request: String(repeating: evil, count: 9), seconds: 1e300), .init(request: "", seconds: .nan)]
            + Array(repeating: .init(request: "r", seconds: -1), count: 99), loadRemaining: .infinity,
        speed: .init(loadSeconds: 1e300, prefillRate: .nan, decodeRate: -1, cacheRatio: 7))

    @Test("Text loses what steers a terminal or turns text around, and what is too long")
    func printable() {
        #expect(Self.evil.printable() == "a[2J31mbc")
        #expect("größe 模型 🦙".printable() == "größe 模型 🦙")
        #expect(String(repeating: "\u{301}", count: 500).printable().unicodeScalars.count == 200)
        #expect("\u{7}abc".printable(2) == "ab")
        for value: UInt32 in Array(0x200e...0x200f) + Array(0x202a...0x202e) + Array(0x2066...0x2069) + Array(0...0x1f)
            + Array(0x7f...0x9f) + [0x61c, 0x2028, 0x2029]
        {
            #expect(Unicode.Scalar(value)?.isPrintable == false, "\(value)")
        }
    }

    @Test("Numbers are in bounds, lists are short, and text can be shown")
    func sanitised() throws {
        let clean = try #require(Self.description().sanitised)
        #expect(clean.name == "a[2J31mbc" && clean.clusterName == clean.name && clean.version == clean.name)
        #expect(clean.machine.accelerator == clean.name && clean.machine.platform == clean.name)
        #expect(clean.policy.reason == clean.name && clean.policy.share.count == 256)
        #expect(clean.power.level == nil && clean.power.source == .battery)
        #expect(clean.residentSets.count == 256 && clean.residentSets.allSatisfy { $0.count == 256 })
        #expect(clean.tiers.count == 256)
        let tier = try #require(clean.tiers.first)
        #expect(tier.name == clean.name && tier.aliases.count == 64 && tier.role == clean.name)
        #expect(tier.fingerprint.contextSize == 1_000_000_000 && tier.fingerprint.family == clean.name)
        #expect(tier.downloaded == 1 && tier.note?.unicodeScalars.count == 200)
        #expect(tier.slots == 0 && tier.busy == 1_000_000 && tier.queued == 1_000_000)
        #expect(tier.waiting.count == 63 && tier.loadRemaining == nil)
        #expect(tier.waiting.first?.request.count == 40 && tier.waiting.first?.seconds == 1e9)
        #expect(tier.waiting.first?.request.hasPrefix("a[2J31mbca[2J") == true)
        #expect(tier.waiting.last == .init(request: "r", seconds: 0))
        #expect(tier.speed == TierSpeed(loadSeconds: 1e9, prefillRate: nil, decodeRate: 0, cacheRatio: 1))
    }

    @Test("So it is with changes")
    func change() {
        let change = NodeChange(
            sequence: 1, tiers: Array(repeating: Self.tier, count: 300), policy: Self.description().policy,
            power: .init(source: .battery, level: 2)
        ).sanitised
        #expect(change.tiers?.count == 256 && change.tiers?.first == Self.tier.sanitised)
        #expect(change.policy == Self.description().policy.sanitised && change.power?.level == 1)
    }

    @Test(
        "A node or a cluster without an identifier is none",
        arguments: [
            ("aaaaaaaa", "short"), ("short", "cluster0"), ("aaaa\u{1b}[2J", "cluster0"), ("aaaaaaaa", "cluster 00"),
            ("", ""), (String(repeating: "a", count: 65), "cluster0"),
        ])
    func refused(_ id: String, _ cluster: String) {
        #expect(Self.description(id, cluster: cluster).sanitised == nil)
    }

    @Test("What is in order is left as it is")
    func untouched() {
        let description = NodeDescription(
            id: NodeID("qrstuvwxyz234567"), name: "studio", cluster: ClusterID("abcdefghijklmnop"), clusterName: "w",
            version: "1.2", machine: .init(platform: "linux/x86_64", accelerator: "A 1", modelMemory: 8, memory: 9),
            epoch: 5,
            tiers: [
                TierReport(
                    name: "plan", aliases: ["planner"], fingerprint: .init(family: "a/b", contextSize: 4096),
                    downloaded: 0.5, slots: 2, busy: 1, waiting: [.init(request: "r1", seconds: 4)],
                    loadRemaining: 3, speed: .init(loadSeconds: 3, prefillRate: 900))
            ], residentSets: [["plan"]], policy: .init(share: ["plan"]), power: .init(source: .battery, level: 0.5))
        #expect(description.sanitised == description)
    }

    @Test("Why a node is down may be the other side's words")
    func evidence() {
        #expect(Evidence.connection(Self.evil).description == "a[2J31mbc")
    }
}
