/// Who runs on a tier of this host, and who waits: events and the time in, answers out. The serving node alone can keep its
/// slots, whatever the number of routers that place requests on it.
///
/// 1. At most slots + ``surplus`` requests are in flight.
/// 2. A request that finds room, with nobody before it, is admitted.
/// 3. One that finds the queue full is refused, with when to come again.
/// 4. Every other waits, and is told its position and about when its turn comes, anew each time that changes.
/// 5. Who leaves, or a slot more, lets in those that wait, oldest first. (Fairness among clients belongs here: ``next``.)
/// 6. Who waits longer than ``patience`` is refused.
package struct TierAdmission: Equatable, Sendable {
    /// In flight beyond the slots: it waits inside of llama-server, so that no slot idles between two requests.
    package static let surplus = 1
    /// Requests that wait at most: at half a minute each on one slot they are a quarter of an hour, and nobody waits longer.
    package static let queueLimit = 32
    /// Seconds: the longest silence that opencode bears.
    package static let patience = 300.0
    /// Seconds that a request takes of which nothing is known.
    static let unknownService = 10.0
    /// Of a request that has taken longer than expected, the part of what was expected that is still to come.
    static let leastRest = 0.1
    /// A new estimate is told when it differs by so many seconds.
    private static let tellingChange = 1.0

    /// An answer to a ticket.
    package struct Answer: Equatable, Sendable {
        package var ticket: UInt64
        package var answer: AdmissionAnswer

        package init(ticket: UInt64, answer: AdmissionAnswer) {
            self.ticket = ticket
            self.answer = answer
        }
    }

    private struct Running: Equatable, Sendable {
        var began: Double
        var expected: Double
    }

    private struct Waiting: Equatable, Sendable {
        var ticket: UInt64
        var request: AdmissionRequest
        var since: Double
        var expected: Double
        var told: (position: Int, seconds: Double)?

        static func == (one: Self, other: Self) -> Bool {
            one.ticket == other.ticket && one.told?.position == other.told?.position
        }
    }

    private var running: [UInt64: Running] = [:]
    private var queue: [Waiting] = []
    /// Requests that run at once.
    package private(set) var slots = 1

    package init() {}

    /// In flight.
    package var inFlight: Int { running.count }
    package var waiting: Int { queue.count }
    /// Requests in hand, those that wait included.
    package var inHand: Int { running.count + queue.count }

    /// Those that wait, next one first, with the seconds until their turn.
    package func line(at now: Double) -> [(request: String, seconds: Double)] {
        zip(queue, turns(at: now)).map { ($0.request.id, $1) }
    }

    // MARK: Events

    /// - Parameter service: seconds that it is expected to run.
    package mutating func ask(
        _ ticket: UInt64, _ request: AdmissionRequest, service: Double?, at now: Double
    ) -> [Answer] {
        let expected = service ?? Self.unknownService
        // 2
        if queue.isEmpty, hasRoom {
            running[ticket] = Running(began: now, expected: expected)
            return [Answer(ticket: ticket, answer: .admitted)]
        }
        // 3
        guard queue.count < Self.queueLimit else {
            let refusal = AdmissionRefusal(.queueFull(waiting: queue.count), retryAfter: comeAgain(at: now))
            return [Answer(ticket: ticket, answer: .refused(refusal))]
        }
        // 4
        queue.append(Waiting(ticket: ticket, request: request, since: now, expected: expected))
        return tellPositions(at: now)
    }

    /// It is done, or wants its place no more. Does nothing for one that is not here.
    package mutating func leave(_ ticket: UInt64, at now: Double) -> [Answer] {
        if running.removeValue(forKey: ticket) == nil {
            guard let index = queue.firstIndex(where: { $0.ticket == ticket }) else { return [] }
            queue.remove(at: index)
        }
        return letIn(at: now)
    }

    /// llama-server has told how many requests it runs at once.
    package mutating func has(slots: Int, at now: Double) -> [Answer] {
        guard slots != self.slots else { return [] }
        self.slots = max(slots, 1)
        return letIn(at: now)
    }

    package mutating func tick(at now: Double) -> [Answer] {
        guard !queue.isEmpty else { return [] }
        // 6
        let late = queue.filter { now - $0.since >= Self.patience }
        queue.removeAll { now - $0.since >= Self.patience }
        let again = comeAgain(at: now)
        return late.map {
            Answer(
                ticket: $0.ticket,
                answer: .refused(AdmissionRefusal(.waitedTooLong(seconds: Self.patience), retryAfter: again)))
        } + tellPositions(at: now)
    }

    // MARK: The queue

    /// 1
    private var hasRoom: Bool { running.count < slots + Self.surplus }

    /// Index of the request whose turn it is.
    private var next: Int? { queue.isEmpty ? nil : 0 }

    private mutating func letIn(at now: Double) -> [Answer] {
        var answers: [Answer] = []
        // 5
        while hasRoom, let next {
            let waiting = queue.remove(at: next)
            running[waiting.ticket] = Running(began: now, expected: waiting.expected)
            answers.append(Answer(ticket: waiting.ticket, answer: .admitted))
        }
        return answers + tellPositions(at: now)
    }

    private mutating func tellPositions(at now: Double) -> [Answer] {
        guard !queue.isEmpty else { return [] }
        var answers: [Answer] = []
        for (index, seconds) in turns(at: now).enumerated() {
            if let told = queue[index].told, told.position == index,
                abs(told.seconds - (now - queue[index].since) - seconds) < Self.tellingChange
            {
                continue
            }
            // In this order: intervals are the same by every clock, and where clocks began is rounded with nothing.
            queue[index].told = (index, seconds + (now - queue[index].since))
            answers.append(Answer(ticket: queue[index].ticket, answer: .queued(position: index, seconds: seconds)))
        }
        return answers
    }

    /// Seconds until the turn of each that waits: whoever runs leaves when it is expected to, and the next one takes its
    /// place.
    private func turns(at now: Double) -> [Double] {
        var ends = running.values.map { max($0.expected - (now - $0.began), Self.leastRest * $0.expected) }.sorted()
        return queue.map { waiting in
            guard !ends.isEmpty else { return 0 }
            let turn = ends.removeFirst()
            let end = turn + waiting.expected
            ends.insert(end, at: ends.firstIndex { $0 > end } ?? ends.endIndex)
            return turn
        }
    }

    /// Whole seconds until there is a place in the queue again: until the next one's turn.
    private func comeAgain(at now: Double) -> Int {
        max(1, Int((turns(at: now).first ?? 1).rounded(.up)))
    }
}
