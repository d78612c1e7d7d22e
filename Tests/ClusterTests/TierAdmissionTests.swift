import Cluster
import Testing

struct TierAdmissionTests {
    /// Runs lines such as `ask 1`, `leave 1`, `slots 2`, `at 300` (the clock), and gives what is answered: `1+` admitted,
    /// `1#0` waits next in line, `1-` refused.
    private static func play(_ script: String, service: Double = 10) -> String {
        var admission = TierAdmission()
        var now = 0.0
        return script.split(separator: ",").map { line in
            let words = line.split(separator: " ")
            let number = Double(words[1]) ?? 0
            let answers: [TierAdmission.Answer]
            switch words[0] {
            case "ask":
                answers = admission.ask(
                    UInt64(number), AdmissionRequest(id: "r\(Int(number))", promptTokens: 1), service: service, at: now)
            case "leave": answers = admission.leave(UInt64(number), at: now)
            case "slots": answers = admission.has(slots: Int(number), at: now)
            default:
                now = number
                answers = admission.tick(at: now)
            }
            return answers.map { answer in
                switch answer.answer {
                case .admitted: "\(answer.ticket)+"
                case .queued(let position, _): "\(answer.ticket)#\(position)"
                case .refused: "\(answer.ticket)-"
                }
            }.joined(separator: " ")
        }.joined(separator: ", ")
    }

    @Test(
        "Slots and one more run at once, the others wait in the order in which they came",
        arguments: [
            ("ask 1,ask 2,ask 3,ask 4", "1+, 2+, 3#0, 4#1"),
            ("ask 1,ask 2,ask 3,ask 4,leave 1", "1+, 2+, 3#0, 4#1, 3+ 4#0"),
            // Who leaves the line lets those behind move up; who is unknown changes nothing.
            ("ask 1,ask 2,ask 3,ask 4,leave 3,leave 9", "1+, 2+, 3#0, 4#1, 4#0, "),
            ("slots 3,ask 1,ask 2,ask 3,ask 4,ask 5", ", 1+, 2+, 3+, 4+, 5#0"),
            // More slots let in; fewer let nobody in until there is room.
            ("ask 1,ask 2,ask 3,ask 4,ask 5,slots 3", "1+, 2+, 3#0, 4#1, 5#2, 3+ 4+ 5#0"),
            (
                "slots 3,ask 1,ask 2,ask 3,ask 4,slots 1,ask 5,leave 1,leave 2,leave 3",
                ", 1+, 2+, 3+, 4+, , 5#0, , , 5+"
            ),
            // Nobody overtakes.
            ("ask 1,ask 2,ask 3,leave 1,ask 4", "1+, 2+, 3#0, 3+, 4#0"),
            // The end of patience.
            ("ask 1,ask 2,ask 3,at 299,ask 4,at 300,leave 1", "1+, 2+, 3#0, 3#0, 4#1, 3- 4#0, 4+"),
        ])
    func order(_ script: String, _ expected: String) {
        #expect(Self.play(script) == expected)
    }

    @Test func `A full line refuses, with when to come again`() {
        var admission = TierAdmission()
        for ticket in 0..<UInt64(2 + TierAdmission.queueLimit) {
            _ = admission.ask(ticket, AdmissionRequest(id: "r", promptTokens: 1), service: 8, at: 0)
        }
        let answers = admission.ask(99, AdmissionRequest(id: "r", promptTokens: 1), service: 8, at: 3)
        #expect(
            answers == [
                .init(
                    ticket: 99,
                    answer: .refused(.init(.queueFull(waiting: TierAdmission.queueLimit), retryAfter: 5)))
            ])
        #expect(admission.waiting == TierAdmission.queueLimit)
    }

    @Test func `The time of a turn is when those before it are expected to be done`() {
        var admission = TierAdmission()
        func ask(_ ticket: UInt64, _ service: Double?, at now: Double) -> [TierAdmission.Answer] {
            admission.ask(ticket, AdmissionRequest(id: "r\(ticket)", promptTokens: 1), service: service, at: now)
        }
        _ = ask(1, 10, at: 0)
        _ = ask(2, 4, at: 0)
        #expect(ask(3, 3, at: 1) == [.init(ticket: 3, answer: .queued(position: 0, seconds: 3))])
        #expect(ask(4, 3, at: 1) == [.init(ticket: 4, answer: .queued(position: 1, seconds: 6))])
        #expect(ask(5, 3, at: 1) == [.init(ticket: 5, answer: .queued(position: 2, seconds: 9))])
        #expect(admission.line(at: 2).map(\.request) == ["r3", "r4", "r5"])
        // Who takes longer than expected may be done any moment.
        #expect(admission.line(at: 60).map { Int($0.seconds * 10) } == [4, 10, 34])
        // What nobody told before is told: the first two are later than was said.
        let told = admission.tick(at: 60).map(\.ticket)
        #expect(told == [3, 4, 5])
        #expect(admission.tick(at: 60) == [])
    }

    @Test(
        "Whatever happens, slots are kept, the line is bounded and nobody is lost", arguments: 0..<200 as Range<UInt64>)
    func invariants(_ seed: UInt64) {
        var random = SplitMix(seed)
        var admission = TierAdmission()
        var (running, waiting, over): (Set<UInt64>, [UInt64], Set<UInt64>) = ([], [], [])
        var (now, last) = (0.0, UInt64(0))
        for _ in 0..<300 {
            var answers: [TierAdmission.Answer] = []
            var mayExceed = false
            switch random.next() % 10 {
            case 0..<5:
                last += 1
                waiting.append(last)
                answers = admission.ask(
                    last, AdmissionRequest(id: "r", promptTokens: 1), service: Double(random.next() % 20), at: now)
            case 5..<8:
                guard let ticket = (running.sorted() + waiting).randomElement(using: &random) else { continue }
                running.remove(ticket)
                waiting.removeAll { $0 == ticket }
                over.insert(ticket)
                answers = admission.leave(ticket, at: now)
            case 8:
                answers = admission.has(slots: Int(random.next() % 6), at: now)
                mayExceed = true
            default:
                now += Double(random.next() % 120)
                answers = admission.tick(at: now)
            }
            let before = running.count
            for answer in answers {
                switch answer.answer {
                case .admitted:
                    #expect(waiting.first == answer.ticket, "somebody was overtaken")
                    waiting.removeAll { $0 == answer.ticket }
                    running.insert(answer.ticket)
                case .queued(let position, let seconds):
                    #expect(waiting[position] == answer.ticket)
                    #expect(seconds >= 0)
                case .refused:
                    waiting.removeAll { $0 == answer.ticket }
                    over.insert(answer.ticket)
                }
            }
            #expect(running.count <= max(admission.slots + TierAdmission.surplus, mayExceed ? before : before))
            #expect(waiting.count <= TierAdmission.queueLimit)
            #expect(
                waiting.isEmpty || running.count >= admission.slots + TierAdmission.surplus,
                "somebody waits for nothing")
            #expect((admission.inFlight, admission.waiting) == (running.count, waiting.count))
            #expect(UInt64(running.count + waiting.count + over.count) == last)
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for the same seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
