package import Cluster
import Foundation

/// What a search for routers brought.
package struct RouterFindings: Equatable, Sendable {
    package var candidates: [RouterCandidate]
    /// nil when the directory answers.
    package var unavailable: RouterSearchState.Unavailability?
    package var interfaces: [SearchedInterface]
    /// How long it took.
    package var elapsed: Duration

    package init(
        candidates: [RouterCandidate], unavailable: RouterSearchState.Unavailability? = nil,
        interfaces: [SearchedInterface] = [], elapsed: Duration = RouterSearchState.Limits().limit
    ) {
        self.candidates = candidates
        self.unavailable = unavailable
        self.interfaces = interfaces
        self.elapsed = elapsed
    }
}

/// Looks for routers on the local network and asks each who it is. ``RouterSearchState`` decides, this performs.
package struct RouterSearch: Sendable {
    /// How long one address may take to answer.
    package static let patience = Duration.seconds(1)
    /// How long an address has before the next one is tried beside it, as RFC 8305 (section 8) has it.
    private static let headStart = Duration.milliseconds(250)

    package let directory: RouterDirectory
    package let probe: Probe
    /// For clusters that have keys.
    package let keys: KeyRing
    package let limits: RouterSearchState.Limits
    private let clock = ContinuousClock()

    package init(
        directory: RouterDirectory, probe: Probe, keys: KeyRing = .empty, limits: RouterSearchState.Limits = .init()
    ) {
        self.directory = directory
        self.probe = probe
        self.keys = keys
        self.limits = limits
    }

    private enum Input: Sendable {
        case news(RouterNews)
        case newsEnded
        case answered(RouterSearchState.Question, RouterCandidate)
        case tick
    }

    /// Takes between one and four seconds.
    package func run(for wanted: RouterChoice.Wanted) async -> RouterFindings {
        let began = clock.now
        let end = began + limits.end
        var state = RouterSearchState(wanted, limits: limits)
        let (inputs, feed) = AsyncStream.makeStream(of: Input.self)
        await withDiscardingTaskGroup { group in
            group.addTask {
                await directory.browse { feed.yield(.news($0)) }
                feed.yield(.newsEnded)
            }
            for time in [limits.least, limits.limit, limits.end] {
                group.addTask {
                    try? await clock.sleep(until: began + time)
                    feed.yield(.tick)
                }
            }
            for await input in inputs {
                switch input {
                case .news(let news):
                    if let question = state.heard(news) {
                        group.addTask { feed.yield(.answered(question, await ask(question, until: end))) }
                    }
                case .newsEnded: state.ended()
                case .answered(let question, let candidate): state.answered(question, candidate)
                case .tick: break
                }
                if state.isOver(at: clock.now - began) { break }
            }
            group.cancelAll()
        }
        return RouterFindings(
            candidates: state.candidates, unavailable: state.unavailable, interfaces: directory.interfaces(),
            elapsed: clock.now - began)
    }

    /// Tries the addresses in turn until one answers as the node that was announced.
    private func ask(
        _ question: RouterSearchState.Question, until end: ContinuousClock.Instant
    ) async -> RouterCandidate {
        let began = clock.now
        return await withTaskGroup(of: RouterCandidate?.self) { group in
            for (index, way) in question.sighting.ways.enumerated() {
                group.addTask {
                    try? await clock.sleep(until: began + Self.headStart * index)
                    let time = min(Self.patience, end - clock.now)
                    guard !Task.isCancelled, time > .zero else { return nil }
                    return await ask(way, question.candidate, within: time)
                }
            }
            var second: RouterCandidate?
            for await candidate in group {
                guard let candidate else { continue }
                // Somebody else at one of its addresses does not make it one at all of them.
                if case .impostor = candidate.state {
                    second = second ?? candidate
                    continue
                }
                group.cancelAll()
                return candidate
            }
            return second ?? question.candidate
        }
    }

    private func ask(
        _ way: RouterSighting.Way, _ candidate: RouterCandidate, within time: Duration
    ) async -> RouterCandidate? {
        var candidate = candidate
        let first = clock.now
        if candidate.isKeyed { return await askKeyed(way, candidate, within: time) }
        guard let description = await probe.description(of: way.url, timeout: time) else { return nil }
        let second = clock.now
        // Once more: the first exchange bears what this process does for the first time.
        let isMeasured = await probe.description(of: way.url, timeout: time) != nil
        let roundTrip = isMeasured ? min(second - first, clock.now - second) : second - first
        let isIt = candidate.learn(description, url: way.url, roundTrip: roundTrip, isOnLink: way.isOnLink)
        return isIt ? candidate : nil
    }

    private func askKeyed(
        _ way: RouterSighting.Way, _ candidate: RouterCandidate, within time: Duration
    ) async -> RouterCandidate? {
        guard let place = SecureURL.place(way.url), let cluster = candidate.cluster else { return nil }
        var candidate = candidate
        let began = clock.now
        let outcome = await KeyedProbe(keys).look(
            at: place, .init(cluster: cluster, node: candidate.node), timeout: time)
        if outcome == .silent { return nil }
        candidate.learn(outcome, at: way.url, roundTrip: clock.now - began, isOnLink: way.isOnLink)
        return candidate
    }
}

extension Probe {
    /// What the node behind a URL says of itself; nil when nobody answers there, or no node.
    package func description(of url: String, timeout: Duration = RouterSearch.patience) async -> NodeDescription? {
        guard let reply = await reply("\(url)/llmstack/v1/node", timeout: timeout), reply.status == 200 else {
            return nil
        }
        return (try? JSONDecoder().decode(NodeDescription.self, from: Data(reply.body)))?.sanitised
    }
}
