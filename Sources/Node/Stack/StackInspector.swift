import Cluster
import Foundation
import Wire

/// Finds out a project's ``StackStatus``.
package struct StackInspector: Sendable {
    package let work: WorkDirectory
    package let blueprint: Blueprint
    package let table: any ProcessTable
    package let probe: Probe
    package let environment: [String: String]

    package init(
        work: WorkDirectory, blueprint: Blueprint, table: any ProcessTable, probe: Probe,
        environment: [String: String]
    ) {
        self.work = work
        self.blueprint = blueprint
        self.table = table
        self.probe = probe
        self.environment = environment
    }

    /// - Throws: ``StackFailure`` where there is no project, and where its models.ini cannot be read.
    package func status() async throws(StackFailure) -> StackStatus {
        if let gateway = try Gateway(work) { return await self.gateway(gateway) }
        if case .external(let url)? = work.pinnedChannel { return await external(url) }
        let hasINI = FileManager.default.fileExists(atPath: work.modelsINI)
        guard hasINI || work.pinnedChannel != nil || work.runningChannel != nil else {
            throw StackFailure("there is no llmstack project in \(work.path)", advice: "next: \(work.wayToProject)")
        }
        let catalog = try hasINI ? Preflight.catalog(work, blueprint) : Catalog()
        let endpoints = try Endpoints(checking: environment, catalog.defaults)
        let observer = StackObserver(work: work, endpoints: endpoints, table: table)
        let router = observer.observe(.router)
        let llamaSwap = observer.observe(.llamaSwap)
        let listing = "\(endpoints.base(.router))/v1/models"
        let reply = router.port == .own ? await probe.reply(listing, timeout: .seconds(5)) : nil
        let health = endpoints.readiness(.llamaSwap)
        let isWell = llamaSwap.port == .own ? await probe.reply(health)?.status == 200 : false
        let isNeeded = !hasINI || !catalog.localTiers.isEmpty

        // A marker left from a time as a client says nothing about a stack of one's own.
        var running = work.runningChannel
        if case .external? = running { running = nil }
        let channel = running ?? work.pinnedChannel ?? .current
        var status = StackStatus(
            project: work.path, channel: channel.name,
            isUp: running != nil && (router.own != nil || llamaSwap.own != nil),
            supervisor: observer.supervisor(), router: part(router, answers: reply != nil, url: listing),
            llamaSwap: part(llamaSwap, answers: isWell, url: health),
            models: reply.map { Self.modelNames($0.body) } ?? [],
            tiers: catalog.tiers.map { Self.line($0, channel) }, notes: [])
        if !isNeeded, llamaSwap.own == nil { status.llamaSwap = .init(state: .notNeeded, pid: nil, url: health) }
        status.notes = notes(status, endpoints)
        return status
    }

    private func external(_ url: String) async -> StackStatus {
        let address = "\(url)/models.ini"
        let trouble = RemoteRouter(await probe.reply(address, timeout: .seconds(5))).trouble
        let isThere = trouble == nil
        let models = isThere ? await probe.reply("\(url)/v1/models", timeout: .seconds(5)) : nil
        var status = StackStatus(
            project: work.path, channel: Channel.external(url).name, isUp: work.runningChannel != nil,
            supervisor: nil, router: .init(state: isThere ? .external : .down, pid: nil, url: address), llamaSwap: nil,
            models: models.map { Self.modelNames($0.body) } ?? [], tiers: [],
            notes: trouble.map { ["the router \($0)\n  next: llmstack start on that host"] } ?? [])
        do {
            if let pin = try PinnedRouter.read(work) {
                if pin.cluster.security == .keys { return await keyed(pin, status) }
                await addFound(pin, to: &status)
            }
        } catch {
            status.notes.append("\(error)")
        }
        return status
    }

    /// A thin client of a cluster with keys that runs a gateway.
    private func gateway(_ gateway: Gateway) async -> StackStatus {
        let endpoints = Endpoints(gatewayPort: gateway.port)
        let observer = StackObserver(work: work, endpoints: endpoints, table: table)
        let router = observer.observe(.router)
        let report = router.port == .own ? await probe.gateway(endpoints) : nil
        let listing = "\(endpoints.base(.router))/v1/models"
        let models = report?.inUse == nil ? nil : await probe.reply(listing, timeout: .seconds(5))
        let cluster = gateway.pin.cluster
        var status = StackStatus(
            project: work.path, channel: Channel.external(gateway.url).name, isUp: router.own != nil,
            supervisor: observer.supervisor(), router: part(router, answers: report != nil, url: listing),
            llamaSwap: nil,
            models: models.map { Self.modelNames($0.body) } ?? [], tiers: [], notes: [])
        status.foundRouter = .init(
            cluster: cluster.name, id: cluster.id.description,
            router: (report?.inUse?.name ?? gateway.pin.router.name).printable(RouterCandidate.nameLimit))
        if let report {
            if report.keyIsRefused {
                status.notes.append(
                    "this host's key for the cluster \(cluster.name) was revoked\n  next: ask for a new token, then "
                        + "llmstack install --external auto --token TOKEN")
            } else if report.inUse == nil {
                status.notes.append(
                    "no router of the cluster \(cluster.name) answers; the gateway goes on looking\n"
                        + "  next: llmstack status on a host there")
            }
        } else if router.own != nil {
            status.notes.append("the gateway runs but does not answer\n  next: llmstack restart")
        }
        return status
    }

    /// A thin client of a cluster with keys that talks to a router itself.
    private func keyed(_ pin: PinnedRouter, _ before: StackStatus) async -> StackStatus {
        var status = before
        status.foundRouter = .init(
            cluster: pin.cluster.name, id: pin.cluster.id.description, router: pin.router.name)
        let keys = KeyRing(configuration: ClusterFiles(environment: environment).configuration)
        guard let access = (try? keys.access(to: pin.cluster.id)) ?? nil, let place = SecureURL.place(pin.url) else {
            status.notes = [
                "this host has no key for the cluster \(pin.cluster.name)\n  next: llmstack install --external auto --token TOKEN"
            ]
            return status
        }
        let reply: Probe.Reply
        do { reply = try await access.get("/v1/models", at: place, timeout: .seconds(5)) } catch {
            status.notes = [
                "the router cannot be used: \("\(error)".prefix { $0 != "\n" })\n"
                    + "  next: llmstack start looks for the cluster \(pin.cluster.name)"
            ]
            return status
        }
        status.router.state = .external
        status.models = Self.modelNames(reply.body)
        status.notes =
            reply.status == 401
            ? [
                "this host's key for the cluster \(pin.cluster.name) was revoked\n  next: ask for a new token, then "
                    + "llmstack install --external auto --token TOKEN"
            ] : []
        return status
    }

    /// Whose URL it is, and whether it still is.
    private func addFound(_ pin: PinnedRouter, to status: inout StackStatus) async {
        let now = status.router.state == .external ? await probe.description(of: pin.url) : nil
        let isOurs = now?.cluster == pin.cluster.id
        status.foundRouter = .init(
            cluster: pin.cluster.name, id: pin.cluster.id.description,
            router: (isOurs ? now?.name ?? pin.router.name : pin.router.name).printable(RouterCandidate.nameLimit))
        if let now, !isOurs {
            let other = now.clusterName.printable(RouterCandidate.nameLimit)
            status.notes.append(
                "at \(pin.url) is a router of the cluster \(other) now, not of \(pin.cluster.name)\n"
                    + "  next: llmstack start looks for \(pin.cluster.name)")
        } else if status.router.state == .down {
            status.notes = [
                "the router does not answer where it was\n  next: llmstack start looks for the cluster \(pin.cluster.name)"
            ]
        }
    }

    private func part(_ seen: DaemonObservation, answers: Bool, url: String) -> StackStatus.Part {
        switch (seen.own, seen.port) {
        case (_, .stranger(let occupant)):
            return .init(state: .other, pid: occupant.pid, url: url, occupant: "\(occupant)")
        case (let own?, _):
            return .init(state: answers ? .running : .silent, pid: own.pid, url: url)
        case (nil, _):
            return .init(state: .down, pid: nil, url: url)
        }
    }

    /// Only what calls for an action; a stack that is simply stopped needs no advice.
    private func notes(_ status: StackStatus, _ endpoints: Endpoints) -> [String] {
        var notes: [String] = []
        let states = [status.router.state, status.llamaSwap?.state ?? .notNeeded]
        if states.contains(.silent) {
            notes.append("a daemon runs but does not answer\n  next: llmstack restart")
        } else if states.contains(.running), states.contains(.down) {
            notes.append("one of the two daemons is gone\n  next: llmstack start")
        }
        if status.router.state == .running, endpoints.routerIsExposed {
            notes.append("the router listens on \(endpoints.routerHost): everyone who reaches this host can use it")
        }
        return notes
    }

    private static func modelNames(_ body: [UInt8]) -> [String] {
        struct Listing: Decodable {
            struct Model: Decodable { var id: String }
            var data: [Model]
        }
        // A tier whose alias is its own name is listed twice.
        var seen: Set<String> = []
        let names = (try? JSONDecoder().decode(Listing.self, from: Data(body)))?.data.map(\.id) ?? []
        return names.filter { seen.insert($0).inserted }
    }

    private static func line(_ tier: Tier, _ channel: Channel) -> StackStatus.TierLine {
        let isNext = channel.usesNext && tier.hasNext
        switch tier.backend {
        case .gguf(let gguf):
            let weights = gguf.weights(next: channel.usesNext)
            return .init(
                name: tier.name, backend: "gguf", model: weights.file,
                quant: weights.quant.isEmpty ? nil : weights.quant,
                sizeGB: weights.sizeGB > 0 ? weights.sizeGB : nil, isNext: isNext)
        case .bedrock(let bedrock):
            return .init(
                name: tier.name, backend: "bedrock", model: bedrock.target(next: channel.usesNext).modelID, quant: nil,
                sizeGB: nil, isNext: isNext)
        }
    }
}
