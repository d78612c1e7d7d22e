import Cluster
import Testing

/// Random histories, of which the same seed makes the same.
struct TierAdmissionPropertyTests {
    /// What the news amount to.
    private struct Witness {
        var slots = 1
        var inFlight: Set<UInt64> = []
        /// Oldest first, with when it asked and what it was told last.
        var waiting: [(number: UInt64, asked: Double, position: Int)] = []
        /// How many were served, refused, or gave up.
        var ended = 0

        mutating func heard(_ news: [AdmissionNews], newcomer: UInt64?, at now: Double) {
            for one in news {
                let number = one.ticket.number
                let place = waiting.firstIndex { $0.number == number }
                switch one.answer {
                case .admitted:
                    #expect(inFlight.count <= slots, "\(number) is one too many")
                    // The oldest; and a newcomer only where nobody waits.
                    #expect(place == 0 || place == nil && number == newcomer && waiting.isEmpty)
                    if place != nil { waiting.removeFirst() }
                    #expect(inFlight.insert(number).inserted)
                case .queued(let position, let seconds):
                    #expect(seconds.isFinite && seconds >= 0)
                    if let place {
                        #expect(position < waiting[place].position)
                        waiting[place].position = position
                    } else {
                        #expect(number == newcomer)
                        waiting.append((number, now, position))
                    }
                case .refused(let refusal):
                    #expect((1...Int(TierAdmission.patience)).contains(refusal.retryAfter))
                    ended += 1
                    if let place {
                        #expect(refusal.reason == .tooLate)
                        #expect(now - waiting.remove(at: place).asked >= TierAdmission.patience)
                    } else {
                        #expect(refusal.reason == .queueFull && number == newcomer)
                        #expect(waiting.count == TierAdmission.queueLimit)
                    }
                }
            }
        }

        func agrees(with admission: TierAdmission, at now: Double) {
            #expect(admission.inFlightCount == inFlight.count)
            #expect(admission.waiting(at: now).map(\.request) == waiting.map { "\($0.number)" })
            #expect(waiting.map(\.position) == Array(waiting.indices))
            #expect(waiting.count <= TierAdmission.queueLimit)
            #expect(waiting.isEmpty || inFlight.count > slots, "it waits for nothing")
            #expect(waiting.allSatisfy { now - $0.asked < TierAdmission.patience })
            let seconds = admission.waiting(at: now).map(\.seconds)
            #expect(seconds == seconds.sorted(), "who is behind begins earlier")
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `Nobody is lost, nobody jumps the queue, and no more are let in than may be`(seed: UInt64) {
        var random = Seeded(state: seed)
        var admission = TierAdmission()
        var witness = Witness()
        var now = 0.0
        var asked: UInt64 = 0
        // Some histories are crowded, some are idle.
        let eagerness = Int.random(in: 2...9, using: &random)
        func ticket(_ number: UInt64) -> AdmissionTicket { AdmissionTicket(number: number, tier: "plan") }
        for _ in 0..<1500 {
            now += Double.random(in: 0...3, using: &random)
            var newcomer: UInt64?
            let news: [AdmissionNews]
            switch Int.random(in: 0..<12, using: &random) {
            case ..<eagerness:
                asked += 1
                newcomer = asked
                let request = AdmissionRequest(
                    id: "\(asked)", promptTokens: Int.random(in: 0...50_000, using: &random),
                    outputTokens: Int.random(in: 0...2000, using: &random))
                news = admission.enter(ticket(asked), request, at: now)
            case ..<10:
                let held = witness.inFlight.sorted() + witness.waiting.map(\.number)
                guard let number = held.randomElement(using: &random) else { continue }
                witness.ended += 1
                witness.inFlight.remove(number)
                witness.waiting.removeAll { $0.number == number }
                news = admission.leave(
                    ticket(number), served: Bool.random(using: &random) ? 3 : nil, at: now)
            case 10:
                witness.slots = Int.random(in: 1...6, using: &random)
                let readiness: [ServiceEstimate.Readiness] = [
                    .stopped, .loading(since: now), .loading(since: nil), .ready(since: now),
                ]
                news = admission.use(
                    slots: witness.slots,
                    speed: TierSpeed(
                        loadSeconds: Double.random(in: 0...90, using: &random),
                        prefillRate: Double.random(in: 0...900, using: &random), decodeRate: 20),
                    readiness: readiness.randomElement(using: &random) ?? .stopped, at: now)
            default:
                if Int.random(in: 0..<20, using: &random) == 0 { now += 200 }
                news = admission.tick(at: now)
            }
            witness.heard(news, newcomer: newcomer, at: now)
            witness.agrees(with: admission, at: now)
        }
        while let number = witness.inFlight.min() ?? witness.waiting.first?.number {
            witness.ended += 1
            witness.inFlight.remove(number)
            witness.waiting.removeAll { $0.number == number }
            witness.heard(admission.leave(ticket(number), at: now), newcomer: nil, at: now)
        }
        #expect(admission.isEmpty)
        #expect(witness.ended == Int(asked))
    }
}
