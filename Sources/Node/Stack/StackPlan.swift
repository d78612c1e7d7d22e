/// What is so when `start` is asked for, as far as the decision needs it.
package struct StackObservation: Equatable, Sendable {
    /// `current` or `next`, from the command line or the pinned channel.
    package var wanted: Channel
    /// What the active-channel marker says; nil while stopped.
    package var marker: Channel?
    /// Whether any tier is local; hosted ones need the router alone.
    package var needsLlamaSwap: Bool
    /// Whether `next` would run anything else than `current`.
    package var nextIsQueued: Bool
    package var llamaSwap: DaemonObservation
    package var router: DaemonObservation
    /// The `start --foreground` that looks after this project's daemons.
    package var supervisor: Int32?

    package init(
        wanted: Channel, marker: Channel?, needsLlamaSwap: Bool, nextIsQueued: Bool, llamaSwap: DaemonObservation,
        router: DaemonObservation, supervisor: Int32? = nil
    ) {
        self.wanted = wanted
        self.marker = marker
        self.needsLlamaSwap = needsLlamaSwap
        self.nextIsQueued = nextIsQueued
        self.llamaSwap = llamaSwap
        self.router = router
        self.supervisor = supervisor
    }

    package subscript(kind: DaemonKind) -> DaemonObservation {
        switch kind {
        case .llamaSwap: llamaSwap
        case .router: router
        }
    }
}

/// One daemon and the port that it should listen on.
package struct DaemonObservation: Equatable, Sendable {
    /// This project's own, proven and alive.
    package struct Own: Equatable, Sendable {
        package var pid: Int32
        /// The channel it was started in; nil when it does not say.
        package var channel: Channel?

        package init(pid: Int32, channel: Channel?) {
            self.pid = pid
            self.channel = channel
        }
    }

    package enum Port: Equatable, Sendable {
        case free
        /// This project's own daemon listens there.
        case own
        case stranger(Occupant)
    }

    package var own: Own?
    package var port: Port

    package init(own: Own? = nil, port: Port = .free) {
        self.own = own
        self.port = port
    }
}

/// Who holds a port that a daemon of ours needs. What is not known is nil.
package struct Occupant: Equatable, Sendable, CustomStringConvertible {
    package var pid: Int32?
    package var command: String?
    /// The directory of the project whose daemon it is.
    package var project: String?

    package init(pid: Int32? = nil, command: String? = nil, project: String? = nil) {
        self.pid = pid
        self.command = command
        self.project = project
    }

    package var description: String {
        let who = command.map { "\($0)" } ?? "another program"
        let number = pid.map { " (pid \($0))" } ?? ""
        return who + number + (project.map { " of the project \($0)" } ?? "")
    }
}

/// What `start` does about it.
package enum StackPlan: Equatable, Sendable {
    /// All that is needed runs already, in the wanted channel.
    case alreadyRunning
    /// A `start --foreground` has the project in its care and starts what is missing.
    case supervised(pid: Int32)
    /// These are to be started; what else runs is left alone.
    case bringUp([DaemonKind])
    case refuse(Refusal)

    package enum Refusal: Equatable, Sendable {
        case nothingQueued
        case otherChannel(running: Channel)
        case portTaken(DaemonKind, Occupant)
    }

    /// Decides in this order:
    /// 1. `next` is refused when nothing is queued;
    /// 2. a daemon of ours that runs in the other channel is not silently kept, nor replaced: `restart` is asked for;
    /// 3. a port held by somebody else is refused, llama-swap's first, because the router needs llama-swap;
    /// 4. a supervisor that is alive does what is missing by itself;
    /// 5. what is needed and not alive is started, llama-swap first.
    package init(_ seen: StackObservation) {
        let needed: [DaemonKind] = seen.needsLlamaSwap ? [.llamaSwap, .router] : [.router]
        // 1
        if seen.wanted.usesNext, !seen.nextIsQueued {
            self = .refuse(.nothingQueued)
            return
        }
        // 2
        for kind in needed {
            guard let own = seen[kind].own, let running = own.channel ?? seen.marker else { continue }
            if running != seen.wanted {
                self = .refuse(.otherChannel(running: running))
                return
            }
        }
        // 3
        for kind in needed {
            if case .stranger(let occupant) = seen[kind].port {
                self = .refuse(.portTaken(kind, occupant))
                return
            }
        }
        // 4
        if let supervisor = seen.supervisor {
            self = .supervised(pid: supervisor)
            return
        }
        // 5
        let missing = needed.filter { seen[$0].own == nil }
        self = missing.isEmpty ? .alreadyRunning : .bringUp(missing)
    }
}

extension StackPlan.Refusal {
    /// In words, with the way out.
    ///
    /// - Parameter port: the one that the daemon needs.
    package func failure(wanted: Channel, port: (DaemonKind) -> Int) -> StackFailure {
        switch self {
        case .nothingQueued:
            return StackFailure(
                "no tier has anything queued for the next channel",
                advice:
                    "fix: add hf_file_next or aws_model_id_next to a tier of models.ini, or run llmstack start --current"
            )
        case .otherChannel(let running):
            return StackFailure(
                "this project already runs in the \(running.name) channel",
                advice: "next: llmstack restart" + (wanted.isLocal ? " --\(wanted.name)" : ""))
        case .portTaken(let kind, let occupant):
            let what = "port \(port(kind)), which \(kind.name) needs, is taken by \(occupant)"
            if let project = occupant.project {
                return StackFailure(
                    what,
                    advice: "fix: run llmstack stop in \(project), or share its stack: llmstack install --external")
            }
            let end = occupant.pid.map { "end it (kill \($0))" } ?? "end whatever listens there"
            let other =
                switch (kind, wanted.isLocal) {
                case (.llamaSwap, _): ""
                case (.router, true): " (or take another port: router_port in models.ini, then llmstack install)"
                case (.router, false): " (or take another port: ROUTER_PORT=N llmstack install --external)"
                }
            return StackFailure(what, advice: "fix: \(end), then run llmstack start again\(other)")
        }
    }
}
