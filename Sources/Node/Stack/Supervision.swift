/// Keeps a set of daemons alive and ends them in order: events and the time in, actions out. Times are seconds on any
/// one monotonic clock.
///
/// ```
/// waiting ──spawn──► running ──answers──► ready
///    ▲                  │ ended              │ ended
///    └──── backoff ─────┴────────────────────┘
/// shutdown: the router is ended first (it drains), then llama-swap; who outstays its patience is killed
/// ```
package struct Supervision: Equatable, Sendable {
    package enum Event: Equatable, Sendable {
        case begin
        case spawned(DaemonKind, pid: Int32)
        case spawnFailed(DaemonKind)
        case answered(DaemonKind, pid: Int32)
        case ended(DaemonKind, pid: Int32)
        case tick
        case shutdown
    }

    package enum Action: Equatable, Sendable {
        case spawn(DaemonKind)
        /// SIGTERM.
        case ask(DaemonKind, pid: Int32)
        /// SIGKILL.
        case kill(DaemonKind, pid: Int32)
        /// Started again after that many seconds.
        case delay(DaemonKind, seconds: Double)
        /// All of them answer.
        case ready
        case finish
    }

    private enum Phase: Equatable {
        case waiting(until: Double)
        case spawning
        case running(pid: Int32)
        case ready(pid: Int32)
        /// Asked to end; killed at the deadline.
        case ending(pid: Int32, deadline: Double)
        case ended

        var pid: Int32? {
            switch self {
            case .running(let pid), .ready(let pid), .ending(let pid, _): pid
            case .waiting, .spawning, .ended: nil
            }
        }
    }

    private struct Part: Equatable {
        var kind: DaemonKind
        var phase: Phase
        var backoff = Backoff()
        /// Seconds from SIGTERM to SIGKILL.
        var patience: Double

        mutating func retry(at now: Double) -> Action {
            let until = backoff.ended(at: now)
            phase = .waiting(until: until)
            return .delay(kind, seconds: until - now)
        }
    }

    /// In the order of starting; ended from the last to the first.
    private var parts: [Part]
    private var isShuttingDown = false
    private var isFinished = false
    private var wasReady = false

    /// - Parameter kinds: in the order of starting.
    package init(_ kinds: [DaemonKind]) {
        parts = kinds.map { kind in
            let patience = kind == .router ? StackStopper.routerPatience : StackStopper.llamaSwapPatience
            return Part(kind: kind, phase: .waiting(until: 0), patience: patience / .seconds(1))
        }
    }

    /// When a ``Event/tick`` is next due; nil when nothing waits for the time.
    package var nextDeadline: Double? {
        parts.compactMap { part in
            switch part.phase {
            case .waiting(let until): isShuttingDown ? nil : until
            case .ending(_, let deadline): deadline
            case .spawning, .running, .ready, .ended: nil
            }
        }.min()
    }

    package mutating func handle(_ event: Event, at now: Double) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .begin, .tick:
            break
        case .spawned(let kind, let pid):
            change(kind) { $0.phase = .running(pid: pid) }
        case .spawnFailed(let kind):
            change(kind) { actions.append($0.retry(at: now)) }
        case .answered(let kind, let pid):
            change(kind) { if $0.phase == .running(pid: pid) { $0.phase = .ready(pid: pid) } }
        case .ended(let kind, let pid):
            let retries = !isShuttingDown
            change(kind) { part in
                guard part.phase.pid == pid else { return }
                if retries { actions.append(part.retry(at: now)) } else { part.phase = .ended }
            }
        case .shutdown:
            isShuttingDown = true
        }
        actions += isShuttingDown ? windDown(at: now) : keepUp(at: now)
        return actions
    }

    private mutating func keepUp(at now: Double) -> [Action] {
        var actions: [Action] = []
        for index in parts.indices {
            guard case .waiting(let until) = parts[index].phase, until <= now else { continue }
            parts[index].phase = .spawning
            parts[index].backoff.started(at: now)
            actions.append(.spawn(parts[index].kind))
        }
        let isReady = parts.allSatisfy { if case .ready = $0.phase { true } else { false } }
        if isReady, !wasReady { actions.append(.ready) }
        wasReady = isReady
        return actions
    }

    /// One at a time, the last started first: the next is asked only when the one before is gone.
    private mutating func windDown(at now: Double) -> [Action] {
        var actions: [Action] = []
        for index in parts.indices.reversed() {
            let kind = parts[index].kind
            switch parts[index].phase {
            case .waiting:
                parts[index].phase = .ended
            case .spawning:
                return actions  // its pid comes with the next event
            case .running(let pid), .ready(let pid):
                parts[index].phase = .ending(pid: pid, deadline: now + parts[index].patience)
                return actions + [.ask(kind, pid: pid)]
            case .ending(let pid, let deadline):
                if now >= deadline {
                    parts[index].phase = .ending(pid: pid, deadline: .infinity)
                    actions.append(.kill(kind, pid: pid))
                }
                return actions
            case .ended:
                continue
            }
        }
        if !isFinished { actions.append(.finish) }
        isFinished = true
        return actions
    }

    private mutating func change(_ kind: DaemonKind, _ body: (inout Part) -> Void) {
        if let index = parts.firstIndex(where: { $0.kind == kind }) { body(&parts[index]) }
    }
}
