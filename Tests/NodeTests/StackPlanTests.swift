import Node
import Testing

@Suite("What start decides")
struct StackPlanTests {
    /// A situation in words, `key=value` parted by spaces, and the decision.
    ///
    /// `want` current|next · `mark` the active-channel marker · `swap`, `router`: `-` nobody, `up` ours of an unknown
    /// channel, `current`/`next` ours in that channel, `taken` a stranger on the port, `current+taken` both ·
    /// `hosted` no local tier · `queued` something is queued · `super` a supervisor lives
    struct Row: Sendable, CustomTestStringConvertible {
        var situation: String
        var plan: String
        init(_ situation: String, _ plan: String) { (self.situation, self.plan) = (situation, plan) }
        var testDescription: String { "\(situation) → \(plan)" }
    }

    static let rows = [
        // Nothing runs.
        Row("want=current", "start llama-swap, router"),
        Row("want=current queued", "start llama-swap, router"),
        Row("want=next queued", "start llama-swap, router"),
        Row("want=current hosted", "start router"),
        Row("want=next hosted queued", "start router"),
        // 1. Nothing queued.
        Row("want=next", "nothing queued"),
        Row("want=next hosted", "nothing queued"),
        Row("want=next swap=next router=next mark=next", "nothing queued"),
        Row("want=next swap=taken", "nothing queued"),
        // 2. The other channel.
        Row("want=next queued swap=current router=current mark=current", "runs current"),
        Row("want=current queued swap=next router=next mark=next", "runs next"),
        Row("want=next queued swap=current mark=current", "runs current"),
        Row("want=next queued router=current mark=current", "runs current"),
        Row("want=next queued swap=up router=up mark=current", "runs current"),
        Row("want=next queued hosted router=current", "runs current"),
        Row("want=current queued swap=current router=next mark=current", "runs next"),
        // The daemon knows better than a marker left behind.
        Row("want=next queued swap=next router=next mark=current", "already running"),
        Row("want=current queued mark=next", "start llama-swap, router"),
        // A llama-swap that is no longer needed decides nothing.
        Row("want=current queued hosted swap=next router=current", "already running"),
        // 3. Strangers.
        Row("want=current swap=taken", "port of llama-swap taken"),
        Row("want=current router=taken", "port of router taken"),
        Row("want=current swap=taken router=taken", "port of llama-swap taken"),
        Row("want=current swap=current router=taken mark=current", "port of router taken"),
        Row("want=current swap=taken router=current mark=current", "port of llama-swap taken"),
        Row("want=current swap=current+taken router=current", "port of llama-swap taken"),
        Row("want=next queued swap=taken router=current mark=current", "runs current"),
        Row("want=current hosted swap=taken", "start router"),
        // 4. A supervisor.
        Row("want=current super", "supervised"),
        Row("want=current super swap=current router=current mark=current", "supervised"),
        Row("want=current super swap=current mark=current", "supervised"),
        Row("want=next queued super swap=current router=current mark=current", "runs current"),
        // 5. What is missing.
        Row("want=current swap=current router=current mark=current", "already running"),
        Row("want=current swap=up router=up", "already running"),
        Row("want=current swap=current mark=current", "start router"),
        Row("want=current router=current mark=current", "start llama-swap"),
        Row("want=next queued swap=next mark=next", "start router"),
        Row("want=current hosted router=current", "already running"),
    ]

    @Test("One decision for each situation", arguments: rows)
    func decisions(_ row: Row) throws {
        #expect(Self.words(StackPlan(try Self.observation(row.situation))) == row.plan)
    }

    private static func observation(_ text: String) throws -> StackObservation {
        var values: [String: String] = [:]
        for word in text.split(separator: " ") {
            let parts = word.split(separator: "=")
            values[String(parts[0])] = parts.count > 1 ? String(parts[1]) : "yes"
        }
        func daemon(_ key: String, _ pid: Int32) -> DaemonObservation {
            let words = values[key]?.split(separator: "+") ?? []
            var seen = DaemonObservation()
            for word in words where word != "taken" {
                seen = .init(own: .init(pid: pid, channel: Channel(marker: String(word))), port: .own)
            }
            if words.contains("taken") { seen.port = .stranger(Occupant(pid: 9, command: "nginx")) }
            return seen
        }
        return StackObservation(
            wanted: try #require(values["want"].flatMap { Channel(marker: $0) }),
            marker: values["mark"].flatMap { Channel(marker: $0) }, needsLlamaSwap: values["hosted"] == nil,
            nextIsQueued: values["queued"] != nil, llamaSwap: daemon("swap", 1), router: daemon("router", 2),
            supervisor: values["super"] == nil ? nil : 7)
    }

    private static func words(_ plan: StackPlan) -> String {
        switch plan {
        case .alreadyRunning: "already running"
        case .supervised: "supervised"
        case .bringUp(let kinds): "start \(kinds.map(\.name).joined(separator: ", "))"
        case .refuse(.nothingQueued): "nothing queued"
        case .refuse(.otherChannel(let running)): "runs \(running.name)"
        case .refuse(.portTaken(let kind, _)): "port of \(kind.name) taken"
        }
    }

    @Test("A refusal names the way out")
    func refusals() {
        func text(_ refusal: StackPlan.Refusal, _ wanted: Channel = .current) -> String {
            refusal.failure(wanted: wanted, port: { $0 == .router ? 10101 : 10102 }).description
        }
        #expect(text(.otherChannel(running: .current), .next).hasSuffix("\n  next: llmstack restart --next"))
        #expect(text(.otherChannel(running: .next)).hasSuffix("\n  next: llmstack restart --current"))
        let stranger = text(.portTaken(.router, Occupant(pid: 9, command: "nginx")))
        #expect(stranger.contains("10101") && stranger.contains("nginx (pid 9)") && stranger.contains("kill 9"))
        #expect(stranger.contains("router_port"))
        let gateway = text(.portTaken(.router, Occupant(pid: 9, command: "nginx")), .external("http://h"))
        #expect(gateway.contains("ROUTER_PORT") && !gateway.contains("router_port"))
        let project = text(.portTaken(.llamaSwap, Occupant(pid: 9, command: "llama-swap", project: "/srv/a")))
        #expect(project.contains("10102") && project.contains("llmstack stop in /srv/a"))
        #expect(text(.portTaken(.llamaSwap, Occupant())).contains("another program"))
    }
}
