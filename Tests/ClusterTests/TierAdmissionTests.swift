import Cluster
import Testing

/// Scripts of steps, and what is told of it. Steps: `ask NAME [PROMPT+OUTPUT]`, `leave NAME [SERVED]`, `at SECONDS`,
/// `slots N`, `rates PREFILL DECODE`, `load SECONDS`, `stopped`, `loading`, `ready`, `tick`. Told: `a in`, `a 0` for a
/// position, `a full` and `a late` for refusals.
struct TierAdmissionTests {
    private struct Script {
        var admission = TierAdmission()
        var now = 0.0
        var slots = 1
        var speed = TierSpeed()
        var readiness = ServiceEstimate.Readiness.stopped
        var numbers: [String: UInt64] = [:]
        var last: UInt64 = 0
        /// Positions with the seconds, refusals with when to try again.
        var tellsSeconds = false

        mutating func run(_ steps: String) -> String {
            steps.split(separator: ", ").map { perform($0.split(separator: " ").map(String.init)) }
                .filter { !$0.isEmpty }.joined(separator: ", ")
        }

        private mutating func perform(_ words: [String]) -> String {
            let number = words.count > 1 ? Double(words[1]) : nil
            switch words[0] {
            case "at": now = number ?? now
            case "ask":
                last += 1
                numbers[words[1]] = last
                let tokens = words.count > 2 ? words[2].split(separator: "+").map { Int($0) ?? 0 } : [0]
                let request = AdmissionRequest(
                    id: words[1], promptTokens: tokens[0], outputTokens: tokens.count > 1 ? tokens[1] : nil)
                return told(admission.enter(ticket(words[1]), request, at: now))
            case "leave":
                let served = words.count > 2 ? Double(words[2]) : nil
                return told(admission.leave(ticket(words[1]), served: served, at: now))
            case "slots": slots = Int(number ?? 0)
            case "rates": (speed.prefillRate, speed.decodeRate) = (number, Double(words[2]))
            case "load": speed.loadSeconds = number
            case "stopped": readiness = .stopped
            case "loading": readiness = .loading(since: now)
            case "ready": readiness = .ready(since: now)
            default: return told(admission.tick(at: now))
            }
            guard words[0] != "at" else { return "" }
            return told(admission.use(slots: slots, speed: speed, readiness: readiness, at: now))
        }

        private func ticket(_ name: String) -> AdmissionTicket {
            AdmissionTicket(number: numbers[name] ?? 0, tier: "plan")
        }

        private func told(_ news: [AdmissionNews]) -> String {
            news.map { one in
                let name = numbers.first { $0.value == one.ticket.number }?.key ?? "?"
                return switch one.answer {
                case .admitted: "\(name) in"
                case .queued(let position, let seconds): "\(name) \(position)" + (tellsSeconds ? " ~\(seconds)" : "")
                case .refused(let refusal):
                    "\(name) " + (refusal.reason == .queueFull ? "full" : "late")
                        + (tellsSeconds ? " ~\(refusal.retryAfter)" : "")
                }
            }.joined(separator: ", ")
        }
    }

    @Test(arguments: [
        ("ask a", "a in"),
        ("ask a, ask b, ask c, ask d", "a in, b in, c 0, d 1"),
        ("ask a, ask b, leave a, ask c, ask d", "a in, b in, c in, d 0"),
        // The oldest first, and the others move up.
        ("ask a, ask b, ask c, ask d, ask e, leave b", "a in, b in, c 0, d 1, e 2, c in, d 0, e 1"),
        // Given up while it waits: those behind move up, those before do not.
        ("ask a, ask b, ask c, ask d, ask e, leave d, leave c", "a in, b in, c 0, d 1, e 2, e 1, e 0"),
        ("ask a, ask b, ask c, leave c, leave a, leave b", "a in, b in, c 0"),
        ("ask a, leave a, leave a, leave x, ask b, ask c, ask d", "a in, b in, c in, d 0"),
        // Slots come and go.
        ("slots 2, ask a, ask b, ask c, ask d", "a in, b in, c in, d 0"),
        ("ask a, ask b, ask c, ask d, ask e, slots 3", "a in, b in, c 0, d 1, e 2, c in, d in, e 0"),
        (
            "slots 3, ask a, ask b, ask c, ask d, ask e, slots 1, leave a, leave b, leave c",
            "a in, b in, c in, d in, e 0, e in"
        ),
        ("slots 0, ask a, ask b, ask c", "a in, b in, c 0"), ("slots -5, ask a, ask b, ask c", "a in, b in, c 0"),
        // Patience ends after 300 s of waiting, and not of being served.
        ("ask a, ask b, at 10, ask c, at 20, ask d, at 309.9, tick", "a in, b in, c 0, d 1"),
        ("ask a, ask b, at 10, ask c, at 20, ask d, at 310, tick", "a in, b in, c 0, d 1, c late, d 0"),
        ("ask a, ask b, ask c, ask d, at 300, ask e", "a in, b in, c 0, d 1, c late, d late, e 0"),
        ("ask a, ask b, ask c, at 301, leave a", "a in, b in, c 0, c late"),
        ("ask a, ask b, ask c, at 299, leave a, at 999, tick", "a in, b in, c 0, c in"),
        // A tier that stops or loads keeps those that wait.
        ("ready, ask a, ask b, ask c, stopped, loading, ready, leave a", "a in, b in, c 0, c in"),
    ])
    func `Requests are let in, wait and are sent away`(steps: String, told: String) {
        var script = Script()
        #expect(script.run(steps) == told)
    }

    /// At 100 tokens a second read and 10 written, `1000+100` takes 20 s.
    @Test(arguments: [
        // Behind one that has the slot and one that is next to have it.
        ("ask a 1000+100, ask b 1000+100, ask c 1000+100", "a in, b in, c 0 ~40.0"),
        ("ask a 1000+100, ask b 100+90, at 15, ask c 0+0, ask d", "a in, b in, c 0 ~15.0, d 1 ~15.0"),
        // Longer than expected: something remains, whatever the clock says.
        ("ask a 1000+100, ask b 0+0, at 100, ask c", "a in, b in, c 0 ~2.0"),
        // A reply of unknown length has 256 tokens.
        ("ask a 0, ask b 0+0, ask c", "a in, b in, c 0 ~25.6"),
        // Each slot's release begins with the next.
        ("slots 2, ask a 1000+100, ask b 1000+0, ask c 1000+100, ask d", "a in, b in, c in, d 0 ~20.0"),
        ("slots 2, ask a 1000+100, ask b 1000+0, ask c 500+0, ask d", "a in, b in, c in, d 0 ~15.0"),
        // The one in flight that had no slot is timed from when it has one.
        ("ask a 1000+0, ask b 1000+100, at 10, leave a, at 15, ask c, ask d", "a in, b in, c in, d 0 ~40.6"),
        // Of more in flight than slots, the first releases free nothing.
        (
            "slots 2, ask a 1000+0, ask b 2000+0, ask c 3000+0, slots 1, ask d",
            "a in, b in, c in, d 0 ~50.0"
        ),
        // Loads: the default, one that is under way, one that takes longer; the time of work begins after it.
        ("stopped, ask a 1000+0, ask b 0+0, ask c", "a in, b in, c 0 ~30.0"),
        ("load 50, stopped, ask a 1000+0, ask b 0+0, ask c", "a in, b in, c 0 ~60.0"),
        ("load 50, loading, at 30, ask a 1000+0, ask b 0+0, ask c", "a in, b in, c 0 ~30.0"),
        ("load 50, loading, at 90, ask a 1000+0, ask b 0+0, ask c", "a in, b in, c 0 ~50.0"),
        ("loading, ask a 1000+0, ask b 0+0, at 40, ready, at 44, ask c", "a in, b in, c 0 ~6.0"),
        // A position that changes is told with the time that is left then.
        (
            "ask a 1000+0, ask b 1000+0, ask c 1000+0, ask d, at 10, leave a",
            "a in, b in, c 0 ~20.0, d 1 ~30.0, c in, d 0 ~20.0"
        ),
        // Who is sent away is told when it goes better, in whole seconds.
        ("ask a 99999+0, ask b 0+0, ask c, at 300, tick", "a in, b in, c 0 ~999.99, c late ~300"),
        ("ask a 1000+0, ask b 0+0, ask c, at 300, tick", "a in, b in, c 0 ~10.0, c late ~1"),
        ("ask a 30445+0, ask b 0+0, ask c, at 300, tick", "a in, b in, c 0 ~304.45, c late ~31"),
    ])
    func `Who waits is told for how long`(steps: String, told: String) {
        var script = Script()
        script.tellsSeconds = true
        #expect(script.run("rates 100 10, ready, " + steps) == told)
    }

    @Test(arguments: [
        ("ready, ask a, ask b, ask c", "a in, b in, c 0 ~30.0"),
        // By the engine's clock.
        ("ready, ask a, leave a 4, ask a, ask b, ask c", "a in, a in, b in, c 0 ~8.0"),
        // By ours; what failed at once says nothing.
        ("ready, ask a, at 6, leave a, ask a, ask b, ask c", "a in, a in, b in, c 0 ~12.0"),
        ("ready, ask a, at 0.5, leave a, ask a, ask b, ask c", "a in, a in, b in, c 0 ~30.0"),
        // A mean: a fifth of the way from 5 to 10.
        ("ready, ask a, leave a 5, ask a, leave a 10, ask a, ask b, ask c", "a in, a in, a in, b in, c 0 ~12.0"),
        // What had no slot was not served.
        ("ready, ask a, ask b, at 9, leave b, ask b, ask c", "a in, b in, b in, c 0 ~21.0"),
        ("ready, ask a, leave a 4, rates 100 0, ask a, ask b, ask c", "a in, a in, b in, c 0 ~8.0"),
    ])
    func `Without rates, times are those that were observed`(steps: String, told: String) {
        var script = Script()
        script.tellsSeconds = true
        #expect(script.run(steps) == told)
    }

    @Test func `No more than the limit wait, and who is refused learns when a place will be free`() {
        var admission = TierAdmission()
        func ticket(_ number: UInt64) -> AdmissionTicket { AdmissionTicket(number: number, tier: "plan") }
        let request = AdmissionRequest(id: "r", promptTokens: 1000, outputTokens: 0)
        _ = admission.use(
            slots: 1, speed: TierSpeed(prefillRate: 100, decodeRate: 10), readiness: .ready(since: 0), at: 0)
        let held = UInt64(1 + TierAdmission.extraInFlight + TierAdmission.queueLimit)
        for number in 0..<held { _ = admission.enter(ticket(number), request, at: 0) }
        #expect(admission.inFlightCount == 2 && admission.waitingCount == 32 && admission.queuedCount == 33)
        let news = admission.enter(ticket(held), request, at: 6.5)
        let refusal = AdmissionRefusal(.queueFull, retryAfter: 4, tier: "plan", waiting: 32)
        #expect(news == [AdmissionNews(ticket(held), .refused(refusal))])
        #expect(refusal.description.contains("\"plan\" is busy and 32 requests wait") && !admission.holds(ticket(held)))
        // A place is free: the next one has it.
        _ = admission.leave(ticket(5), at: 7)
        #expect(admission.enter(ticket(held + 1), request, at: 7).contains { $0.answer == .queued(31, 323) })
    }

    @Test func `A reload to other weights forgets what was observed`() {
        var admission = TierAdmission()
        let request = AdmissionRequest(id: "r", promptTokens: 0)
        func ticket(_ number: UInt64) -> AdmissionTicket { AdmissionTicket(number: number, tier: "plan") }
        _ = admission.use(slots: 1, speed: .init(), readiness: .ready(since: 0), at: 0)
        _ = admission.enter(ticket(0), request, at: 0)
        _ = admission.leave(ticket(0), served: 100, at: 0)
        for number in 1...3 { _ = admission.enter(ticket(UInt64(number)), request, at: 0) }
        #expect(admission.waiting(at: 0).map(\.seconds) == [200])
        admission.forgetTimes()
        #expect(admission.waiting(at: 0).map(\.seconds) == [2 * ServiceEstimate.defaultSeconds])
    }
}

extension AdmissionAnswer {
    fileprivate static func queued(_ position: Int, _ seconds: Double) -> Self {
        .queued(position: position, seconds: seconds)
    }
}
