import Cluster
import Testing

struct WithdrawalTests {
    /// What becomes of a request `r` of a thousand tokens that waits at `box` for `plan`.
    private static func withdrawal(_ hosts: String, left: [NodeID] = []) -> String {
        let fleet = FleetScript(hosts).fleet
        let work = Workload(tier: "plan", promptTokens: 1000, isFlexible: true)
        let move = fleet.withdrawal(of: "r", work, from: NodeID("box00000000"), except: left, at: 0)
        return move.map { "\($0.to.name) \($0.why.text)" } ?? "stays"
    }

    // Where it waits it takes the wait, a second for the prompt and 1.02 for the reply.
    @Test(
        "A request leaves a line where that saves two seconds and a fifth",
        arguments: [
            ("box up plan 2/1 wait=r:60\nden up plan", "den has a line, and the wait is 60 s shorter"),
            ("box up plan 2/1 wait=r:2.1\nden up plan", "den has a line, and the wait is 2 s shorter"),
            ("box up plan 2/1 wait=r:1.9\nden up plan", "stays"),
            ("box up plan 2/1 wait=r:14\nden up plan stopped load=10", "den has a line, and the wait is 4 s shorter"),
            ("box up plan 2/1 wait=r:12\nden up plan stopped load=10", "stays"),
            // To where it is let in at once.
            ("box up plan 2/1 wait=r:60\nden up plan 1/1", "den has a line, and the wait is 54 s shorter"),
            ("box up plan 2/1 wait=r:60\nden up plan 2/1", "stays"),
            // Others wait; it does not.
            ("box up plan 2/1 wait=q:60\nden up plan", "stays"),
            // Nobody who can be asked.
            ("box up plan 2/1 wait=r:60\nden draining plan", "stays"),
            ("box up plan 2/1 wait=r:60\nden down plan", "stays"),
            ("box up plan 2/1 wait=r:60\nden suspect plan", "stays"),
            ("box up plan 2/1 wait=r:60\nden up plan failed", "stays"),
            ("box up plan 2/1 wait=r:60\nden up plan ctx=500", "stays"),
            ("box up plan 2/1 wait=r:60", "stays"),
            ("den up plan", "stays"),
        ])
    func line(_ hosts: String, _ expected: String) {
        #expect(Self.withdrawal(hosts) == expected)
    }

    @Test(
        "A host that has fallen silent is left for one that could begin at once",
        arguments: [
            ("box suspect plan\nden up plan", "den has fallen silent"),
            ("box suspect plan\nden up plan stopped", "stays"), ("box suspect plan\nden up plan 1/1", "stays"),
            ("box suspect plan\nden suspect plan", "stays"), ("box up plan\nden up plan", "stays"),
            ("box down plan\nden up plan", "stays"),
        ])
    func silence(_ hosts: String, _ expected: String) {
        #expect(Self.withdrawal(hosts) == expected)
    }

    @Test(
        "A host that does not get the model loaded is left for any that can",
        arguments: [
            ("box up plan failed\nden up plan stopped load=500", "den does not get the model loaded"),
            ("box up plan failed\nden up plan failed", "stays"),
            ("box up plan loading rest=500\nden up plan", "stays"),
        ])
    func load(_ hosts: String, _ expected: String) {
        #expect(Self.withdrawal(hosts) == expected)
    }

    @Test func `A host that it has been to is none to go to`() {
        let hosts = "box up plan 2/1 wait=r:60\nden up plan"
        #expect(Self.withdrawal(hosts, left: [NodeID("den00000000")]) == "stays")
    }
}
