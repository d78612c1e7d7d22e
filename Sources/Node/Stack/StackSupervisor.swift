import Cluster
import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Runs a project's stack in the foreground until told to stop: what systemd and launchd run. ``Supervision`` decides,
/// this performs.
package struct StackSupervisor: Sendable {
    package let starter: StackStarter

    package init(starter: StackStarter) { self.starter = starter }

    private enum Input: Sendable {
        case event(Supervision.Event)
        case died(DaemonKind, pid: Int32, ChildExit)
    }

    /// - Parameters:
    ///   - wanted: the channel of the command line; nil takes the pinned one.
    ///   - stop: one element, or its end, asks for an orderly end.
    /// - Throws: ``StackFailure`` when nothing was started; later troubles are retried.
    package func run(
        wanted: Channel?, stop: some AsyncSequence<Void, Never> & Sendable
    ) async throws(StackFailure) {
        let work = starter.work
        let gateway = try Gateway(work)
        if gateway == nil, case .external(let url)? = work.pinnedChannel {
            throw StackFailure(
                "this project is a client of \(url): it runs nothing that could be looked after",
                advice: "next: llmstack start, without --foreground")
        }
        let ready = try starter.preflight(gateway, wanted: wanted)
        let observer = StackObserver(work: work, endpoints: ready.endpoints, table: starter.table)
        let file = StackObserver.supervisorFile(in: work)
        let lock = try await soleSupervisor(file)
        defer {
            file.remove()
            withExtendedLifetime(lock) {}
        }
        try await takeOver(ready, observer)
        starter.warnOfDoubts(ready.catalog)
        if gateway == nil { try starter.writeConfiguration(ready) }
        let kinds = ready.catalog.localTiers.isEmpty ? [DaemonKind.router] : [.llamaSwap, .router]
        let recipe = LaunchRecipe(
            work: work, endpoints: ready.endpoints, environment: starter.environment, llmstack: starter.llmstack)
        await loop(kinds, recipe, ready, observer, stop)
        for kind in kinds { observer.pidFile(kind).remove() }
        try? FileManager.default.removeItem(atPath: work.activeChannel)
        _ = await Termination(table: starter.table).end(observer.startedByLlamaSwap(nil), patience: .seconds(2))
        starter.console.say("stopped")
    }

    /// The lock outlives no crash, so whoever holds it is alive.
    private func soleSupervisor(_ file: PIDFile) async throws(StackFailure) -> FileLock {
        // Someone who only asks whether a supervisor is there holds the lock for a moment too.
        let deadline = ContinuousClock.now + .seconds(1)
        while true {
            if let lock = FileLock.tryTaking(file.path, creating: true) {
                // In place: a renamed file would leave the lock on the old one.
                let bytes = Data("\(getpid())\n".utf8)
                guard let handle = FileHandle(forWritingAtPath: file.path),
                    (try? handle.truncate(atOffset: 0)) != nil, (try? handle.write(contentsOf: bytes)) != nil
                else {
                    throw StackFailure(
                        "cannot write \(file.path)", advice: "fix: check the directory's permissions and the free space"
                    )
                }
                return lock
            }
            guard ContinuousClock.now < deadline else {
                let pid = file.read().map { " (pid \($0))" } ?? ""
                throw StackFailure(
                    "another llmstack start --foreground\(pid) looks after this project",
                    advice: "next: llmstack stop, then start again")
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Daemons of this project that somebody started before are ended: only its own children can be watched for good.
    /// Those of the other channel are in use, and not silently replaced.
    private func takeOver(_ ready: Preflight, _ observer: StackObserver) async throws(StackFailure) {
        guard let lock = await FileLock.taking(starter.work.state, limit: StackStarter.lockPatience) else {
            throw StackFailure(
                "another llmstack command is at work on this project",
                advice: "next: wait for it to end, then try again")
        }
        defer { withExtendedLifetime(lock) {} }
        let seen = observer.observe(ready.catalog, wanted: ready.channel)
        if case .refuse(let refusal) = StackPlan(seen) {
            var failure = refusal.failure(wanted: ready.channel, port: ready.endpoints.port)
            // A restart would not stay.
            if case .otherChannel = refusal { failure.advice = "next: llmstack stop, then start again" }
            throw failure
        }
        for kind in [DaemonKind.router, .llamaSwap] {
            guard let own = observer.own(kind) else { continue }
            starter.console.say("taking over from \(kind.name) (pid \(own.pid))")
            let patience = kind == .router ? StackStopper.routerPatience : StackStopper.llamaSwapPatience
            _ = await Termination(table: starter.table).end([own], patience: patience)
        }
        try await starter.clearOrphans(observer)
    }

    private func loop(
        _ kinds: [DaemonKind], _ recipe: LaunchRecipe, _ ready: Preflight, _ observer: StackObserver,
        _ stop: some AsyncSequence<Void, Never> & Sendable
    ) async {
        let (inputs, feed) = AsyncStream.makeStream(of: Input.self)
        let clock = ContinuousClock()
        let origin = clock.now
        func now() -> Double { (clock.now - origin) / .seconds(1) }
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in stop { break }
                feed.yield(.event(.shutdown))
            }
            var machine = Supervision(kinds)
            feed.yield(.event(.begin))
            for await input in inputs {
                let event: Supervision.Event
                switch input {
                case .event(let given): event = given
                case .died(let kind, let pid, let exit):
                    starter.console.say("\(kind.name) (pid \(pid)) ended: \(exit)")
                    event = .ended(kind, pid: pid)
                }
                for action in machine.handle(event, at: now()) {
                    switch action {
                    case .spawn(let kind):
                        if kind == .llamaSwap { try? await starter.clearOrphans(observer) }
                        guard let pid = spawn(kind, recipe, ready, feed) else {
                            feed.yield(.event(.spawnFailed(kind)))
                            break
                        }
                        group.addTask {
                            while let process = starter.table.process(pid), !process.isZombie, !Task.isCancelled {
                                if await starter.answers(kind, ready.endpoints) {
                                    feed.yield(.event(.answered(kind, pid: pid)))
                                    return
                                }
                                try? await clock.sleep(for: .milliseconds(100))
                            }
                        }
                    case .ask(let kind, let pid):
                        starter.console.say("stopping \(kind.name) (pid \(pid)) …")
                        kill(pid, SIGTERM)
                    case .kill(let kind, let pid):
                        starter.console.say("\(kind.name) (pid \(pid)) did not end when asked: killed")
                        kill(pid, SIGKILL)
                    case .delay(let kind, let seconds):
                        starter.console.say("\(kind.name) is started again in \(Int(seconds.rounded())) s")
                    case .ready:
                        if kinds.contains(.llamaSwap) || !ready.channel.isLocal {
                            try? AtomicFile.write(ready.channel.marker, to: recipe.work.activeChannel, mode: 0o644)
                        }
                        starter.console.say(
                            "ready in the \(ready.channel.name) channel: \(ready.endpoints.base(.router))/v1")
                    case .finish:
                        feed.finish()
                    }
                }
                if let deadline = machine.nextDeadline, deadline.isFinite {
                    group.addTask {
                        try? await clock.sleep(until: origin + .seconds(deadline))
                        feed.yield(.event(.tick))
                    }
                }
            }
            group.cancelAll()
        }
    }

    private func spawn(
        _ kind: DaemonKind, _ recipe: LaunchRecipe, _ ready: Preflight, _ feed: AsyncStream<Input>.Continuation
    ) -> Int32? {
        do {
            let pid = try recipe.daemon(kind, channel: ready.channel).spawn()
            starter.console.say("started \(kind.name) (pid \(pid))")
            // Before its end can be reported, or the two would be taken in the wrong order.
            feed.yield(.event(.spawned(kind, pid: pid)))
            ChildExit.wait(for: pid) { exit in feed.yield(.died(kind, pid: pid, exit)) }
            do { try StackObserver.pidFile(kind, in: recipe.work).write(pid) } catch {
                starter.console.warn("\(error)")
            }
            return pid
        } catch {
            starter.console.warn("\(kind.name) cannot be started: \(error.reason)\n  fix: check \(error.executable)")
            return nil
        }
    }
}
