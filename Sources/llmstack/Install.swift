import ArgumentParser
import Cluster
import Foundation
import Node
import Trust

/// `llmstack install`: writes what opencode and the other verbs need into the project.
struct Install: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set this project up: models.ini, opencode.json, AGENTS.md and its channel.",
        discussion: """
            Writes into .llmstack of the project ($LLMSTACK_WORK_DIR, else this directory). A models.ini that is there \
            stays as it is; the other files follow from it, so run this again after editing it.

            --external makes the project a thin client: nothing runs here, and opencode talks to another router. Say \
            which one:

              --external                     this host's router, on port 10101
              --external http://HOST:10103   that one, by its host's name or address
              --external auto                found on this network; asks if in doubt
              --external studio              the cluster called studio, or the router

            Without a word after it, $LLMSTACK_REMOTE_URL counts, which may hold any of these. A word without http:// is \
            a name that routers are found by; of a cluster with several routers the nearest is used. A router that was \
            found by name is found again by llmstack start when its address has changed. What it serves is asked for at \
            each install.

            A cluster with keys takes a token the first time: llmstack cluster invite --role client prints one, on a host \
            that holds the cluster's authority. It is given with --token or asked for, and buys this host a key of its own. \
            opencode then talks to a gateway on this host's loopback, which llmstack start runs: it has the key, and \
            goes to another router where one fails. With --direct opencode talks to the router itself.
            """)

    enum LocalChannel: String, EnumerableFlag {
        case current, next

        static func help(for value: LocalChannel) -> ArgumentHelp? {
            switch value {
            case .current: "Pin the models in use (the default)."
            case .next: "Pin the models queued to replace them."
            }
        }
    }

    @Flag(name: [.customLong("print"), .customShort("n")], help: "Show opencode.json and write nothing.")
    var printsOnly = false

    @Flag(exclusivity: .chooseLast)
    var channel: LocalChannel?

    @Option(
        defaultAsFlag: "", parsing: .next,
        help: ArgumentHelp("Use another router: a URL, the name of a cluster or router, or auto.", valueName: "router"),
        completion: .list(["auto", Channel.defaultRemote]))
    var external: String?

    @Option(
        help: ArgumentHelp(
            "What llmstack cluster invite --role client printed; - reads it from standard input.", valueName: "token"))
    var token: String?

    @Flag(help: "Of a cluster with keys: write the router's own address into opencode.json, and run no gateway.")
    var direct = false

    func validate() throws {
        if external == nil {
            if token != nil { throw ValidationError("--token goes with --external") }
            if direct { throw ValidationError("--direct goes with --external") }
        }
        if printsOnly, token != nil { throw ValidationError("--print changes nothing, and a token is good for once") }
        if let token, token != "-" {
            do { _ = try JoinToken(parsing: token) } catch { throw ValidationError("\(error)") }
        }
        if external != nil, channel != nil {
            throw ValidationError("--external goes with neither --current nor --next: the other host has the channels")
        }
    }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        // Before anything is fetched or written for it.
        _ = try Endpoints(checking: environment)
        let remote = (environment["LLMSTACK_REMOTE_URL"] ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        let isThinClient = external != nil || !remote.isEmpty
        let (install, note) =
            isThinClient ? (try await thinClient(environment, remote), nil) : try await local(environment)
        if printsOnly {
            print(install.preview, terminator: "")
            return
        }
        report(try install.perform(), of: install)
        if let note { print(note) }
    }

    /// In a cluster opencode.json lists what the others lend as well, as far as this host's router knows.
    private func local(_ environment: [String: String]) async throws -> (ProjectInstall, note: String?) {
        let work = WorkDirectory.current()
        let channel = channel == .next ? Channel.next : .current
        let own = try ProjectInstall(work: work, channel: channel, environment: environment)
        guard let identity = try? ClusterFiles(environment: environment).cluster(), !identity.name.isEmpty,
            let text = try ModelsINI.text(work)
        else { return (own, nil) }
        let endpoints = try Endpoints(checking: environment, own.catalog.defaults)
        switch await ClusterListing.ask(endpoints.base(.router), own: text, probe: StackContext.probe) {
        case .shown(let catalog):
            let install = try ProjectInstall(work: work, channel: channel, environment: environment, shown: catalog)
            return (install, nil)
        case .another:
            return (own, "note: the router that runs is another project's: opencode.json lists this one's tiers only")
        case .silent:
            return (own, "next: llmstack install again once the router runs, to see what other nodes lend")
        }
    }

    private func thinClient(_ environment: [String: String], _ remote: String) async throws -> ProjectInstall {
        let work = WorkDirectory.current()
        // A damaged pin matters only to those that would use it.
        let isNamed = !(external ?? "").trimmingCharacters(in: .whitespacesAndNewlines).isEmpty
        let pin = isNamed || remote.isEmpty ? nil : try PinnedRouter.read(work)
        let isQuiet = printsOnly
        let say: @Sendable (String) -> Void = { if !isQuiet { print($0) } }
        let given = try token.map {
            try JoinToken(
                parsing: try SecretInput.read(
                    $0, prompt: "token", missing: "there is no token",
                    fix:
                        "llmstack cluster invite --role client, on a host that holds the cluster's authority, prints one"
                ))
        }
        let chooser = RouterChooser(environment: environment, token: given, canAsk: !printsOnly, say: say)
        var found: (pin: PinnedRouter, catalog: Catalog)
        let reference = try RouterReference.read(argument: external ?? "", variable: remote, pin: pin)
        switch reference {
        case .url(let given):
            if let keyed = try await chooser.enter(given) {
                found = keyed
                break
            }
            say("asking \(given) what it serves")
            let catalog = try await RemoteCatalog.fetch(from: given)
            return ProjectInstall(work: work, thinClientOf: given, catalog: catalog, environment: environment)
        case .auto: found = try await chooser.choose(.any)
        case .name(let name): found = try await chooser.choose(.name(name))
        case .pinned(let pin): found = try await chooser.find(pin)
        }
        if found.pin.cluster.security == .keys {
            // Found again, it stays as it is.
            let kept = if case .pinned(let before) = reference { before.isGateway } else { true }
            found.pin.gateway = direct || !kept ? nil : true
        } else if direct {
            say("note: the cluster is open, so there is no gateway in any case")
        }
        return ProjectInstall(
            work: work, thinClientOf: found.pin.url, catalog: found.catalog, environment: environment, pin: found.pin)
    }

    private func report(_ reports: [ProjectInstall.Report], of install: ProjectInstall) {
        for report in reports {
            let name = report.name.padding(toLength: 16, withPad: " ", startingAt: 0)
            let outcome = report.outcome.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)
            print("\(name)\(outcome)\(report.path)")
        }
        print("channel         \(install.channel.marker)", terminator: "")
        if install.channel.usesNext, !install.catalog.tiers.contains(where: \.hasNext) {
            print(
                "note: models.ini queues nothing (no hf_file_next, no aws_model_id_next), so start --next will refuse")
        }
        // Without the program start refuses.
        let lacksPrograms = install.channel.isLocal && !LlamaSwapConfig.isProgram(install.work.llamaSwap)
        let next = lacksPrograms ? "setup" : install.work.runningChannel == nil ? "start" : "restart"
        print("next: llmstack \(next)")
    }
}
