package import Cluster
import Foundation
import Wire

/// Brings a project's local stack up and leaves it running: what `start --detach` does.
package struct StackStarter: Sendable {
    /// How long a daemon may take from its start to its first answer.
    package static let patience = Duration.seconds(30)
    /// How long another start or stop of the same project is waited for.
    package static let lockPatience = Duration.seconds(70)

    package let work: WorkDirectory
    package let blueprint: Blueprint
    package let table: any ProcessTable
    package let probe: Probe
    package let console: any Console
    package let environment: [String: String]
    package let llmstack: String

    package init(
        work: WorkDirectory, blueprint: Blueprint, table: any ProcessTable, probe: Probe, console: any Console,
        environment: [String: String], llmstack: String
    ) {
        self.work = work
        self.blueprint = blueprint
        self.table = table
        self.probe = probe
        self.console = console
        self.environment = environment
        self.llmstack = llmstack
    }

    /// - Parameter wanted: the channel of the command line; nil takes the pinned one.
    /// - Returns: the channel that runs now.
    /// - Throws: ``StackFailure``; what this call had started is stopped again then.
    package func start(wanted: Channel?) async throws(StackFailure) -> Channel {
        let gateway = try Gateway(work)
        if gateway == nil, case .external(let url)? = work.pinnedChannel { return try await connect(to: url) }
        let ready = try preflight(gateway, wanted: wanted)
        try? FileManager.default.createDirectory(atPath: work.state, withIntermediateDirectories: true)
        guard let lock = await FileLock.taking(work.state, limit: Self.lockPatience) else {
            throw StackFailure(
                "another llmstack command is at work on this project",
                advice: "next: wait for it to end, then run llmstack start again")
        }
        defer { withExtendedLifetime(lock) {} }
        let observer = StackObserver(work: work, endpoints: ready.endpoints, table: table)
        let seen = observer.observe(ready.catalog, wanted: ready.channel)
        switch StackPlan(seen) {
        case .refuse(let refusal):
            throw refusal.failure(wanted: ready.channel, port: ready.endpoints.port)
        case .supervised(let pid):
            console.say("llmstack start --foreground (pid \(pid)) looks after this project already")
            noteEdits(ready, next: ServiceRestart.command)
        case .alreadyRunning:
            try adopt(seen, observer)
            try await confirm(seen, ready.endpoints)
            console.say(running(ready, "already running"))
            noteEdits(ready, next: "llmstack restart")
            try mark(ready, seen)
        case .bringUp(let missing):
            warnOfExposure(ready.endpoints)
            warnOfDoubts(ready.catalog)
            // First: ended in between, this leaves daemons that are known to run in this channel.
            try mark(ready, seen)
            do { try await bringUp(missing, seen, ready, observer) } catch {
                if DaemonKind.allCases.allSatisfy({ seen[$0].own == nil }) {
                    try? FileManager.default.removeItem(atPath: work.activeChannel)
                }
                throw error
            }
            console.say(running(ready, "running"))
        }
        if let gateway { await tell(of: gateway, ready.endpoints) }
        return ready.channel
    }

    /// - Parameter gateway: the project's, where it has one.
    package func preflight(_ gateway: Gateway?, wanted: Channel?) throws(StackFailure) -> Preflight {
        if let gateway { return try Preflight(work, gateway: gateway) }
        return try Preflight(work: work, blueprint: blueprint, wanted: wanted, environment: environment)
    }

    /// llama-swap reads its file once, so what is edited while it runs waits for the next start.
    private func noteEdits(_ ready: Preflight, next: String) {
        guard ready.channel.isLocal, !ready.catalog.localTiers.isEmpty,
            let running = try? String(contentsOfFile: work.llamaSwapYAML, encoding: .utf8),
            running != blueprint.llamaSwapYAML(ready.catalog, ready.channel.usesNext)
        else { return }
        console.say("note: llama-swap runs with other settings than models.ini has now\n  next: \(next)")
    }

    private func running(_ ready: Preflight, _ how: String) -> String {
        let url = "\(ready.endpoints.base(.router))/v1"
        return ready.channel.isLocal ? "\(how) in the \(ready.channel.name) channel: \(url)" : "\(how): \(url)"
    }

    /// Which router the gateway uses. That it has none is no error: this host may be away from home.
    private func tell(of gateway: Gateway, _ endpoints: Endpoints) async {
        let end = ContinuousClock.now + Self.routerPatience
        while true {
            let report = await probe.gateway(endpoints)
            if report?.keyIsRefused == true {
                return console.warn(
                    "this host's key for the cluster \(gateway.pin.cluster.name) was revoked\n  fix: ask for a new token, "
                        + "then llmstack install --external auto --token TOKEN")
            }
            if let router = report?.inUse {
                return console.say(
                    "router \(router.name) of the cluster \(gateway.pin.cluster.name)\(router.url.map { ": \($0)" } ?? "")"
                )
            }
            guard ContinuousClock.now < end else {
                return console.warn(
                    "no router of the cluster \(gateway.pin.cluster.name) answers yet; the gateway goes on looking\n"
                        + "  next: llmstack status says when one does")
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// How long a start waits for the gateway to find a router.
    private static let routerPatience = Duration.seconds(3)

    /// A thin client has nothing to start; it looks whether the other side is there.
    private func connect(to url: String) async throws(StackFailure) -> Channel {
        try Preflight.requireOpencode(work)
        let router = RemoteRouter(await models(at: url))
        if let trouble = router.trouble {
            console.warn(
                "the router at \(url) \(trouble)\n  next: llmstack start on that host; you are connected all the same")
        }
        try write(Channel.external(url).marker, to: work.activeChannel)
        console.say("connected to \(url)")
        return .external(url)
    }

    /// models.ini of another host's router, with this host's key where it has one for that.
    private func models(at url: String) async -> Probe.Reply? {
        guard let pin = (try? PinnedRouter.read(work)) ?? nil, pin.cluster.security == .keys,
            let place = SecureURL.place(url)
        else { return await probe.reply("\(url)/models.ini", timeout: .seconds(5)) }
        let keys = KeyRing(configuration: ClusterFiles(environment: environment).configuration)
        guard let access = (try? keys.access(to: pin.cluster.id)) ?? nil else { return nil }
        return try? await access.get("/models.ini", at: place, timeout: .seconds(5))
    }

    private func bringUp(
        _ missing: [DaemonKind], _ seen: StackObservation, _ ready: Preflight, _ observer: StackObserver
    ) async throws(StackFailure) {
        if missing.contains(.llamaSwap) {
            try writeConfiguration(ready)
            try await clearOrphans(observer)
        }
        try adopt(seen, observer)
        let recipe = LaunchRecipe(
            work: work, endpoints: ready.endpoints, environment: environment, llmstack: llmstack)
        var started: [DaemonKind] = []
        do {
            for kind in missing {
                try await bringUp(kind, recipe.daemon(kind, channel: ready.channel), ready.endpoints) {
                    started.append(kind)
                }
            }
        } catch {
            await undo(started, observer)
            throw error
        }
    }

    /// llama-swap.yaml, if it is not right already. It names llama-server, which is missed only when a model is loaded:
    /// better said here.
    package func writeConfiguration(_ ready: Preflight) throws(StackFailure) {
        if let lack = LlamaSwapConfig.lackOfLlamaServer(catalog: ready.catalog, environment: environment) {
            // No error: what start promises works, and who has no local weights yet wants nothing else.
            console.say("note: \(lack.problem)\n  fix: \(lack.fix)")
        }
        let yaml = blueprint.llamaSwapYAML(ready.catalog, ready.channel.usesNext)
        do { _ = try GeneratedFile(path: work.llamaSwapYAML, text: yaml, mode: 0o644).write() } catch {
            throw Self.unwritten(error)
        }
    }

    /// llama-servers that outlived their llama-swap hold memory and ports that the new one needs.
    package func clearOrphans(_ observer: StackObserver) async throws(StackFailure) {
        let orphans = observer.startedByLlamaSwap(nil)
        guard !orphans.isEmpty else { return }
        let outcomes = await Termination(table: table).end(orphans, patience: .seconds(5))
        for (orphan, outcome) in zip(orphans, outcomes) where outcome != .alreadyGone {
            console.say("ended \(orphan.name) (pid \(orphan.pid)), left behind by a llama-swap that is gone")
        }
    }

    /// Puts right the pid files of daemons that were found without them.
    private func adopt(_ seen: StackObservation, _ observer: StackObserver) throws(StackFailure) {
        for kind in DaemonKind.allCases {
            guard let own = seen[kind].own, observer.pidFile(kind).read() != own.pid else { continue }
            try write("\(own.pid)\n", to: observer.pidFile(kind).path)
        }
    }

    /// Alive is not enough: a daemon that hangs must not be reported as running.
    private func confirm(_ seen: StackObservation, _ endpoints: Endpoints) async throws(StackFailure) {
        for kind in DaemonKind.allCases {
            guard let own = seen[kind].own else { continue }
            let began = ContinuousClock.now
            while await !answers(kind, endpoints) {
                guard table.process(own.pid) != nil, ContinuousClock.now - began < Self.patience else {
                    throw StackFailure(
                        "\(kind.name) runs (pid \(own.pid)) but does not answer on port \(endpoints.port(kind))",
                        advice: "next: llmstack restart")
                }
                console.waiting(for: kind.name, seconds: (ContinuousClock.now - began) / .seconds(1))
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// llama-swap must say that it is well; the router need only answer, since it may have no models.ini to show.
    package func answers(_ kind: DaemonKind, _ endpoints: Endpoints) async -> Bool {
        guard let reply = await probe.reply(endpoints.readiness(kind)) else { return false }
        return kind == .router || reply.status == 200
    }

    /// The marker that says which channel runs. Without local tiers there is no channel to switch and no marker.
    private func mark(_ ready: Preflight, _ seen: StackObservation) throws(StackFailure) {
        if !seen.needsLlamaSwap, ready.channel.isLocal {
            try? FileManager.default.removeItem(atPath: work.activeChannel)
        } else if work.runningChannel != ready.channel {
            try write(ready.channel.marker, to: work.activeChannel)
        }
    }

    private func bringUp(
        _ kind: DaemonKind, _ daemon: Daemon, _ endpoints: Endpoints, spawned: () -> Void
    ) async throws(StackFailure) {
        console.say("starting \(kind.name) …")
        let log = LogTail(daemon.log)
        let began = ContinuousClock.now
        let pid: Int32
        do { pid = try daemon.spawn() } catch {
            throw StackFailure(
                "\(kind.name) cannot be started: \(error.reason)",
                advice: kind == .llamaSwap
                    ? "fix: llmstack install-llama-swap --force" : "fix: check \(daemon.executable)")
        }
        spawned()
        try write("\(pid)\n", to: StackObserver.pidFile(kind, in: work).path)
        while true {
            if let exit = ChildExit.poll(pid) {
                throw StackFailure(
                    "\(kind.name) ended at once (\(exit))", evidence: log.lines(),
                    advice: "next: read \(daemon.log), then run llmstack start again")
            }
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            if await answers(kind, endpoints), table.process(pid).map({ !$0.isZombie }) ?? false {
                console.say("\(kind.name) answers (pid \(pid), \((seconds * 10).rounded() / 10) s)")
                return
            }
            guard ContinuousClock.now - began < Self.patience else {
                throw StackFailure(
                    "\(kind.name) (pid \(pid)) did not answer on port \(endpoints.port(kind)) within 30 s; it was stopped",
                    evidence: log.lines(), advice: "next: read \(daemon.log), then run llmstack start again")
            }
            console.waiting(for: kind.name, seconds: seconds)
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    private func undo(_ started: [DaemonKind], _ observer: StackObserver) async {
        for kind in started.reversed() {
            if let process = observer.own(kind) {
                let below = kind == .llamaSwap ? observer.startedByLlamaSwap(process) : []
                _ = await Termination(table: table).end([process] + below, patience: .seconds(5))
            }
            observer.pidFile(kind).remove()
        }
    }

    /// What models.ini hardly means as it is read.
    package func warnOfDoubts(_ catalog: Catalog) {
        for doubt in catalog.doubts { console.warn("warning: \(doubt)") }
        // llama-swap would name its own file, which is made from this one.
        for clash in AliasClash.all(catalog) {
            console.warn("warning: \(work.modelsINI): \(clash.problem)\n  fix: \(AliasClash.fix)")
        }
    }

    private func warnOfExposure(_ endpoints: Endpoints) {
        guard endpoints.routerIsExposed else { return }
        console.warn(
            "the router will listen on \(endpoints.routerHost): everyone who reaches this host can use it\n"
                + "  fix: unset ROUTER_HOST to keep it to this host")
    }

    private func write(_ text: String, to path: String) throws(StackFailure) {
        do { try AtomicFile.write(text, to: path, mode: 0o644) } catch { throw Self.unwritten(error) }
    }

    private static func unwritten(_ error: AtomicFile.Failure) -> StackFailure {
        StackFailure(
            "cannot write \(error.path): \(error.reason)",
            advice: "fix: check the directory's permissions and the free space")
    }
}
