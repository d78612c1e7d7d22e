import Cluster

/// What `start` does first in a project whose router was found by name: finds it again, and brings the project's files
/// up to date when it is elsewhere.
package struct RouterFollowing: Sendable {
    package let work: WorkDirectory
    package let finder: RouterFinder
    package let console: any Console
    package let environment: [String: String]

    package init(work: WorkDirectory, finder: RouterFinder, console: any Console, environment: [String: String]) {
        self.work = work
        self.finder = finder
        self.console = console
        self.environment = environment
    }

    /// Does nothing in any other project, nor behind a gateway, which finds routers itself. A router that is nowhere is no error: its host may be asleep.
    ///
    /// - Throws: ``StackFailure`` when router.json is damaged, when a router of another cluster has taken the address,
    ///   and when a file cannot be written.
    package func run() async throws(StackFailure) {
        let pin: PinnedRouter?
        do { pin = try PinnedRouter.read(work) } catch {
            throw StackFailure("\(error.path) \(error.problem)", advice: "fix: \(error.fix)")
        }
        guard let pin else { return }
        try Preflight.requireOpencode(work)
        if pin.isGateway { return }
        let cluster = pin.cluster.name
        switch await finder.whereabouts(of: pin) {
        case .asBefore(let router):
            console.say("router \(router.name) of the cluster \(cluster)")
            if router != pin.router {
                var renewed = pin
                renewed.router = router
                try write(renewed.json, to: work.routerJSON)
            }
        case .elsewhere(let routers):
            try await move(from: pin, to: routers)
        case .away(let reason):
            console.say(
                "no router of the cluster \(cluster) answers here" + reason.searched.map { "\n  \($0)" }.joined())
        case .foreign(let router, let other):
            throw StackFailure.foreign(router: router, of: other, insteadOf: pin)
        case .impostor(let reason):
            throw StackFailure.impostor(reason, insteadOf: pin)
        }
    }

    private func move(from pin: PinnedRouter, to routers: [RouterCandidate]) async throws(StackFailure) {
        let found: (pin: PinnedRouter, catalog: Catalog)
        do { found = try await finder.pin(oneOf: routers, preferred: pin.preferred) } catch {
            console.say("a router of the cluster \(pin.cluster.name) was found, but cannot be used")
            console.warn("\(error)")
            return
        }
        let install = ProjectInstall(
            work: work, thinClientOf: found.pin.url, catalog: found.catalog, environment: environment, pin: found.pin)
        do { _ = try install.perform() } catch {
            throw StackFailure(
                "cannot write \(error.path): \(error.reason)",
                advice: "fix: check the directory's permissions and the free space")
        }
        let router = found.pin.router
        let who =
            router.id == pin.router.id
            ? "router \(router.name) of the cluster \(pin.cluster.name) has moved"
            : "router \(router.name) of the cluster \(pin.cluster.name) takes over from \(pin.router.name)"
        console.say(
            found.pin.url == pin.url
                ? "router \(router.name) of the cluster \(pin.cluster.name)"
                : "\(who): \(pin.url) -> \(found.pin.url)\n  changed: opencode.json, default-channel, router.json")
    }

    private func write(_ text: String, to path: String) throws(StackFailure) {
        do { try AtomicFile.write(text, to: path, mode: 0o644) } catch {
            throw StackFailure(
                "cannot write \(error.path): \(error.reason)",
                advice: "fix: check the directory's permissions and the free space")
        }
    }
}

extension StackFailure {
    /// Somebody has the address of the pinned router who is not of its cluster.
    package static func impostor(_ reason: String, insteadOf pin: PinnedRouter) -> StackFailure {
        StackFailure(
            "the router at \(pin.url) cannot show that it is of the cluster \(pin.cluster.name): \(reason)",
            advice:
                "fix: start a router of \(pin.cluster.name) on this network; if the cluster was made anew, ask for a "
                + "token and run llmstack install --external auto --token TOKEN")
    }

    /// A router of another cluster has the address of the pinned one.
    package static func foreign(router: String, of cluster: String, insteadOf pin: PinnedRouter) -> StackFailure {
        StackFailure(
            "at \(pin.url) is router \(router) of the cluster \(cluster) now; "
                + "this project uses the cluster \(pin.cluster.name)",
            advice: "fix: start a router of \(pin.cluster.name) on this network; "
                + "or llmstack install --external \(cluster) to use that one")
    }
}
