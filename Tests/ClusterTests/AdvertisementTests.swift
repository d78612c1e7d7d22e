import Cluster
import Testing

struct AdvertisementTests {
    private func advertisement(tiers: [String], generation: Int = 3) -> Advertisement {
        Advertisement(
            cluster: ClusterID("abcdefghijklmnop"), clusterName: "workshop", node: NodeID("qrstuvwxyz234567"),
            generation: generation, tiers: tiers)
    }

    private func size(_ txt: [String]) -> Int { txt.reduce(0) { $0 + $1.utf8.count + 1 } }

    @Test func `A record is as the design has it`() {
        #expect(
            advertisement(tiers: ["code-smart", "plan"]).txt == [
                "v=1", "cid=abcdefghijklmnop", "id=qrstuvwxyz234567", "name=workshop", "gen=3",
                "tiers=code-smart,plan",
            ])
    }

    @Test(arguments: [0, 1, 2, 10, 15, 16, 17, 100, 1000])
    func `However many tiers there are, a record stays within its limit and counts what it leaves out`(
        count: Int
    ) throws {
        let tiers = (0..<count).map { "tier-number-\($0)" }
        let txt = advertisement(tiers: tiers).txt
        #expect(size(txt) <= Advertisement.sizeLimit)
        guard case .known(let read) = Advertisement.read(txt) else {
            Issue.record("it cannot be read: \(txt)")
            return
        }
        #expect(read.tiers == Array(tiers.prefix(read.tiers.count)))
        let left = count - read.tiers.count
        #expect(txt.last?.hasSuffix("+\(left)") == (left > 0))
        // One more would not have fitted.
        if left > 0 {
            let next = tiers[read.tiers.count]
            let mark = left > 1 ? ",+\(left - 1)" : ""
            let longer = "tiers=" + (read.tiers + [next]).joined(separator: ",") + mark
            #expect(size(txt.dropLast() + [longer]) > Advertisement.sizeLimit)
        }
    }

    @Test func `The longest names leave room for the count of tiers`() {
        let longest = Advertisement(
            cluster: ClusterID(String(repeating: "c", count: 64)), clusterName: String(repeating: "n", count: 40),
            node: NodeID(String(repeating: "i", count: 64)), generation: .max,
            tiers: [String(repeating: "t", count: 40), "b"])
        #expect(size(longest.txt) <= Advertisement.sizeLimit)
        #expect(longest.txt.last == "tiers=+2")
    }

    @Test(arguments: [[], ["plan"], ["code-smart", "plan"], ["a.b", "C_d", "9"]])
    func `What is written is read again`(tiers: [String]) {
        let written = advertisement(tiers: tiers)
        #expect(Advertisement.read(written.txt) == .known(written))
    }

    @Test func `A tier whose name a list cannot hold is counted and not shown`() {
        let written = advertisement(tiers: ["plan", "a,b", "my tier", "+2", "żółw"])
        #expect(written.txt.last == "tiers=plan,+4")
        #expect(Advertisement.read(written.txt) == .known(advertisement(tiers: ["plan"])))
        #expect(written.subtypes == ["_plan"])
    }

    @Test func `A subtype has no dot and fits into a label`() {
        let tiers = ["plan", "v1.5", String(repeating: "t", count: 40), String(repeating: "t", count: 41)]
        let subtypes = advertisement(tiers: tiers).subtypes
        #expect(subtypes == ["_plan", "_" + String(repeating: "t", count: 40)])
        #expect(subtypes.allSatisfy { $0.utf8.count <= 63 })
    }

    private static let whole = [
        "v=1", "cid=abcdefghijklmnop", "id=qrstuvwxyz234567", "name=workshop", "gen=3", "tiers=plan",
    ]

    @Test(arguments: [
        whole + ["colour=green", "=x", "", "flag", "tiers2=a"],
        whole + ["v=2", "cid=zzzzzzzzzzzzzzzz", "tiers=other"],
        whole.map { $0.replacing("v=1", with: "V=1").replacing("tiers=", with: "Tiers=") },
        whole.map { $0.replacing("v=1", with: "v=1.7") },
        whole.reversed(),
        whole.map { $0.replacing("tiers=plan", with: "tiers=plan,+3,,a b,\u{7}") },
    ])
    func `Unknown entries, later ones of the same key, case and order change nothing`(txt: [String]) {
        #expect(Advertisement.read(txt) == .known(advertisement(tiers: ["plan"])))
    }

    @Test(arguments: [
        ("gen=x", 0), ("gen=", 0), ("gen=99999999999999999999999", 0), ("generation=4", 0), ("gen=12", 12),
    ])
    func `A count that is none counts as zero`(entry: String, generation: Int) {
        let txt = Self.whole.map { $0 == "gen=3" ? entry : $0 }
        #expect(Advertisement.read(txt) == .known(advertisement(tiers: ["plan"], generation: generation)))
    }

    @Test(arguments: ["2", "2.0", "10", "0", "12.34"])
    func `Another major version is incompatible, and says who it is`(version: String) {
        let txt = Self.whole.map { $0.replacing("v=1", with: "v=\(version)") }
        let expected = Advertisement.Reading.incompatible(
            version: version, node: NodeID("qrstuvwxyz234567"), clusterName: "workshop")
        #expect(Advertisement.read(txt) == expected)
        // Nobody knows what else such a record has.
        #expect(Advertisement.read(txt.filter { !$0.hasPrefix("cid=") }) == expected)
    }

    @Test(arguments: [
        [], [""], ["v=1"], ["id=qrstuvwxyz234567"],
        whole.filter { !$0.hasPrefix("v=") }, whole.filter { !$0.hasPrefix("id=") },
        whole.filter { !$0.hasPrefix("cid=") },
        whole.map { $0.replacing("v=1", with: "v=") }, whole.map { $0.replacing("v=1", with: "v=.") },
        whole.map { $0.replacing("v=1", with: "v=one") }, whole.map { $0.replacing("v=1", with: "v=123456789") },
        whole.map { $0.replacing("v=1", with: "v=٢") }, whole.map { $0.replacing("v=1", with: "v=1x") },
        whole.map { $0.replacing("id=qrstuvwxyz234567", with: "id=short") },
        whole.map { $0.replacing("id=qrstuvwxyz234567", with: "id=" + String(repeating: "x", count: 65)) },
        whole.map { $0.replacing("id=qrstuvwxyz234567", with: "id=qrst uvwx") },
        whole.map { $0.replacing("id=qrstuvwxyz234567", with: "id=../../etc/passwd") },
        whole.map { $0.replacing("cid=abcdefghijklmnop", with: "cid=\u{1B}[31mred-red") },
        whole.map { $0.replacing("name=workshop", with: "name=two words") },
        whole.map { $0.replacing("name=workshop", with: "name=-x") },
    ])
    func `What is no record of ours is malformed`(txt: [String]) {
        #expect(Advertisement.read(txt) == .malformed)
    }

    @Test(arguments: [
        ("a", true), ("studio-2", true), ("a.b_c", true), ("9", true), (String(repeating: "a", count: 40), true),
        ("", false), (String(repeating: "a", count: 41), false), ("-a", false), (".a", false), ("_a", false),
        ("a b", false), ("ä", false), ("a/b", false), ("a\n", false), ("١", false),
    ])
    func `A name is plain`(name: String, isName: Bool) {
        #expect(ClusterIdentity.isName(name) == isName)
    }
}
