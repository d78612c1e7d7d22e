/// Decides how long routers are looked for, and whom to ask. No I/O: news, answers and the time come in.
package struct RouterSearchState: Sendable {
    package struct Limits: Equatable, Sendable {
        /// How long announcements are waited for.
        package var limit = Duration.seconds(3)
        /// Who takes longer than this to answer mDNS is rare; a search that has all ends then.
        package var least = Duration.seconds(1)
        /// What a router announced at the last moment may take to answer.
        package var grace = Duration.milliseconds(500)

        package init() {}

        package var end: Duration { limit + grace }
    }

    /// Sightings that are looked at; there are no such large teams, but there may be floods.
    package static let capacity = 128

    /// One sighting to be asked.
    package struct Question: Equatable, Sendable {
        package var sighting: RouterSighting
        package var candidate: RouterCandidate
        /// Which of several questions of one sighting this is: answers to earlier ones are void.
        package var number: Int
    }

    private struct Entry: Sendable {
        var sighting: RouterSighting
        var candidate: RouterCandidate
        var number: Int
        var isAsked: Bool
    }

    private let wanted: RouterChoice.Wanted
    private let limits: Limits
    private var entries: [RouterSighting.ID: Entry] = [:]
    private var order: [RouterSighting.ID] = []
    private var questions = 0
    private var hasAllForNow = false
    private var hasEnded = false
    /// Why the directory does not answer; nil when it does.
    package private(set) var unavailable: Unavailability?

    package struct Unavailability: Equatable, Sendable {
        package var reason: String
        package var fix: String

        package init(reason: String, fix: String) {
            self.reason = reason
            self.fix = fix
        }
    }

    /// - Parameter wanted: a search can end early only once it has found that.
    package init(_ wanted: RouterChoice.Wanted, limits: Limits = .init()) {
        self.wanted = wanted
        self.limits = limits
    }

    /// - Returns: whom to ask now.
    package mutating func heard(_ news: RouterNews) -> Question? {
        switch news {
        case .available:
            unavailable = nil
        case .unavailable(let reason, let fix):
            unavailable = Unavailability(reason: reason, fix: fix)
        case .allForNow:
            hasAllForNow = true
        case .lost(let id):
            if entries.removeValue(forKey: id) != nil { order.removeAll { $0 == id } }
        case .found(let sighting):
            return found(sighting)
        }
        return nil
    }

    /// No more news will come.
    package mutating func ended() { hasEnded = true }

    /// - Parameter candidate: the question's, with what came of it.
    package mutating func answered(_ question: Question, _ candidate: RouterCandidate) {
        let id = question.sighting.id
        guard entries[id]?.number == question.number else { return }
        entries[id]?.candidate = candidate
        entries[id]?.isAsked = false
    }

    private mutating func found(_ sighting: RouterSighting) -> Question? {
        if let known = entries[sighting.id] {
            if known.sighting == sighting || known.candidate.isLive { return nil }
        } else if order.count >= Self.capacity {
            return nil
        }
        guard let candidate = RouterCandidate(announced: sighting) else { return nil }
        if entries[sighting.id] == nil { order.append(sighting.id) }
        questions += 1
        let isAsked = candidate.state == .silent
        entries[sighting.id] = Entry(
            sighting: sighting, candidate: candidate, number: questions, isAsked: isAsked)
        return isAsked ? Question(sighting: sighting, candidate: candidate, number: questions) : nil
    }

    /// Whether looking on is in vain:
    ///
    /// 1. the time for late answers is over, too;
    /// 2. somebody has yet to answer: no;
    /// 3. no more announcements are waited for, or will come;
    /// 4. after the first second: the directory is not there, or it has told all and what is wanted by name is among it.
    ///    Who takes any cluster must be asked which, so all that come in time are waited for.
    package func isOver(at elapsed: Duration) -> Bool {
        // 1.
        if elapsed >= limits.end { return true }
        // 2.
        if entries.values.contains(where: \.isAsked) { return false }
        // 3.
        if elapsed >= limits.limit || hasEnded { return true }
        // 4.
        guard elapsed >= limits.least else { return false }
        if unavailable != nil { return true }
        return wanted != .any && hasAllForNow && candidates.contains { $0.isLive && wanted.matches($0) }
    }

    /// One for each node, in the order in which they came; who answered counts before who did not.
    package var candidates: [RouterCandidate] {
        var found: [RouterCandidate] = []
        for candidate in order.compactMap({ entries[$0]?.candidate }) {
            guard let index = found.firstIndex(where: { $0.node == candidate.node }) else {
                found.append(candidate)
                continue
            }
            if !found[index].isLive || (candidate.isLive && RouterCandidate.isNearer(candidate, found[index])) {
                found[index] = candidate
            }
        }
        return found
    }
}
