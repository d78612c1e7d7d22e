import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Ends what a project runs on this host, and nothing else.
package struct StackStopper: Sendable {
    /// The router finishes the replies it is streaming for up to ten seconds.
    package static let routerPatience = Duration.seconds(12)
    package static let llamaSwapPatience = Duration.seconds(5)

    package let work: WorkDirectory
    package let endpoints: Endpoints
    package let table: any ProcessTable
    package let console: any Console

    package init(work: WorkDirectory, endpoints: Endpoints, table: any ProcessTable, console: any Console) {
        self.work = work
        self.endpoints = endpoints
        self.table = table
        self.console = console
    }

    /// Whoever runs a `start --foreground` would take its end for meant, and what is started then is in nobody's care.
    ///
    /// - Throws: ``StackFailure`` where one looks after the project.
    package func refuseRestartOfSupervised() throws(StackFailure) {
        guard let pid = StackObserver(work: work, endpoints: endpoints, table: table).supervisor() else { return }
        throw StackFailure(
            "llmstack start --foreground (pid \(pid)) looks after this project; a restart would take it out of its hands",
            advice: "next: \(ServiceRestart.command); or end it where it runs, and start it again there")
    }

    /// Stops the stack. It never fails: what could not be ended is said, and so is what was left alone.
    package func stop() async {
        let observer = StackObserver(work: work, endpoints: endpoints, table: table)
        var isClient = false
        if case .external(let url)? = work.pinnedChannel {
            isClient = true
            let wasConnected = work.runningChannel != nil
            clearMarker()
            console.say(wasConnected ? "disconnected from \(url)" : "this project is not connected; nothing to stop")
            // Unless it ran a stack of its own before it became a client, and that is still there.
            let isOver = observer.supervisor() == nil && DaemonKind.allCases.allSatisfy { observer.own($0) == nil }
            if isOver { return }
        }
        // A start that hangs must not keep its project from being stopped.
        let lock = await FileLock.taking(work.state, limit: StackStarter.lockPatience)
        defer { withExtendedLifetime(lock) {} }
        var ended = await endSupervisor(observer)
        if let router = observer.own(.router) { ended += await end([router], patience: Self.routerPatience) }
        ended += await endLlamaSwap(observer)
        for kind in DaemonKind.allCases {
            if !isClient { reportForeign(kind, observer) }
            observer.pidFile(kind).remove()
        }
        clearMarker()
        if ended == 0 { console.say("nothing of this project was running") }
    }

    /// Told to stop, a supervisor stops both daemons itself, in order; what it leaves is ended here as without one.
    private func endSupervisor(_ observer: StackObserver) async -> Int {
        guard let pid = observer.supervisor(), let process = table.process(pid) else {
            StackObserver.supervisorFile(in: work).remove()
            return 0
        }
        let daemons = DaemonKind.allCases.compactMap(observer.own)
        let outcome = await Termination(table: table).end(
            [process], patience: Self.routerPatience + Self.llamaSwapPatience + .seconds(3))
        StackObserver.supervisorFile(in: work).remove()
        console.say("stopped llmstack start --foreground (pid \(pid))\(Self.remark(outcome.first))")
        let gone = daemons.filter { !table.isAlive($0) }
        return 1 + gone.count
    }

    private func endLlamaSwap(_ observer: StackObserver) async -> Int {
        let llamaSwap = observer.own(.llamaSwap)
        // Looked for first: with their parent gone, children that do not carry our mark could not be told any more.
        let below = observer.startedByLlamaSwap(llamaSwap)
        var ended = 0
        if let llamaSwap { ended += await end([llamaSwap], patience: Self.llamaSwapPatience) }
        let marked = observer.startedByLlamaSwap(nil).filter { one in !below.contains { $0.isSame(as: one) } }
        let left = below.filter(table.isAlive) + marked
        ended += await end(left, patience: Self.llamaSwapPatience)
        return ended
    }

    private func end(_ processes: [ProcessFacts], patience: Duration) async -> Int {
        var ended = 0
        // Asked while they live: the environment that tells a router goes with it.
        let names = processes.map(name)
        let outcomes = await Termination(table: table).end(processes, patience: patience)
        for ((process, name), outcome) in zip(zip(processes, names), outcomes) {
            switch outcome {
            case .alreadyGone: continue
            case .ended, .killed:
                ended += 1
                console.say("stopped \(name) (pid \(process.pid))\(Self.remark(outcome))")
            case .stays:
                console.say("\(name) (pid \(process.pid)) does not end\n  next: kill -9 \(process.pid) as its owner")
            }
        }
        return ended
    }

    private static func remark(_ outcome: Termination.Outcome?) -> String {
        outcome == .killed ? ", which did not end when asked and was killed" : ""
    }

    private func name(_ process: ProcessFacts) -> String {
        let identity = DaemonIdentity(work: work)
        let environment = table.environment(of: process.pid)
        return DaemonKind.allCases.first { identity.owns(process, as: $0, environment: { environment }) }?.name
            ?? process.name
    }

    /// Names what holds our ports, or stands in our pid files, and is not ours.
    private func reportForeign(_ kind: DaemonKind, _ observer: StackObserver) {
        if case .stranger(let occupant) = observer.observe(kind).port {
            console.say("left alone: \(occupant) on port \(endpoints.port(kind)), which is not this project's")
        } else if let pid = observer.pidFile(kind).read(), let process = table.process(pid), !process.isZombie,
            !observer.identity.owns(process, as: kind, environment: { table.environment(of: pid) })
        {
            console.say("left alone: pid \(pid) of \(kind.name).pid is another program by now (\(process.name))")
        }
    }

    private func clearMarker() { try? FileManager.default.removeItem(atPath: work.activeChannel) }
}
