package import Cluster
import Foundation

/// Looks at the system for what belongs to one project: its daemons, what they left behind, who is on their ports.
package struct StackObserver: Sendable {
    package let work: WorkDirectory
    package let endpoints: Endpoints
    package let table: any ProcessTable
    package let identity: DaemonIdentity

    package init(work: WorkDirectory, endpoints: Endpoints, table: any ProcessTable) {
        self.work = work
        self.endpoints = endpoints
        self.table = table
        identity = DaemonIdentity(work: work)
    }

    package static func pidFile(_ kind: DaemonKind, in work: WorkDirectory) -> PIDFile {
        PIDFile("\(work.state)/\(kind.name).pid")
    }

    package static func supervisorFile(in work: WorkDirectory) -> PIDFile { PIDFile("\(work.state)/supervisor.pid") }

    package func pidFile(_ kind: DaemonKind) -> PIDFile { Self.pidFile(kind, in: work) }

    package static func log(_ kind: DaemonKind, in work: WorkDirectory) -> String { "\(work.logs)/\(kind.name).log" }

    /// This project's daemon of that kind: by its pid file, else by its mark, since a pid file can be lost.
    package func own(_ kind: DaemonKind) -> ProcessFacts? {
        if let pid = pidFile(kind).read(), let process = table.process(pid),
            identity.owns(process, as: kind, environment: { table.environment(of: pid) })
        {
            return process
        }
        return table.processes().first { process in
            let environment = table.environment(of: process.pid)
            return environment[DaemonIdentity.markVariable] == identity.mark(kind)
                && identity.owns(process, as: kind, environment: { environment })
        }
    }

    package func observe(_ kind: DaemonKind) -> DaemonObservation {
        let own = own(kind)
        let channel = own.flatMap { table.environment(of: $0.pid)["LLMSTACK_CHANNEL"] }.flatMap(Channel.init(marker:))
        return DaemonObservation(
            own: own.map { .init(pid: $0.pid, channel: channel) }, port: port(kind, own: own))
    }

    /// - Parameters:
    ///   - catalog: the project's models.ini.
    ///   - wanted: the channel asked for.
    package func observe(_ catalog: Catalog, wanted: Channel) -> StackObservation {
        var marker = work.runningChannel
        if case .external? = marker { marker = nil }
        return StackObservation(
            wanted: wanted, marker: marker, needsLlamaSwap: !catalog.localTiers.isEmpty,
            nextIsQueued: catalog.tiers.contains(where: \.hasNext), llamaSwap: observe(.llamaSwap),
            router: observe(.router), supervisor: supervisor())
    }

    /// Whoever holds the lock on `supervisor.pid`: it is held for life, so a number left behind proves nothing.
    package func supervisor() -> Int32? {
        let file = Self.supervisorFile(in: work)
        guard let pid = file.read(), FileLock.tryTaking(file.path) == nil else { return nil }
        return pid
    }

    /// llama-servers and whatever else this project's llama-swap started, alive, llama-swap itself not included.
    ///
    /// - Parameter llamaSwap: the live one, whose children count whatever their environment.
    package func startedByLlamaSwap(_ llamaSwap: ProcessFacts?) -> [ProcessFacts] {
        let all = table.processes()
        let below = Set(llamaSwap.map { all.descendants(of: $0.pid).map(\.pid) } ?? [])
        return all.filter { process in
            guard !process.isZombie, process.pid != llamaSwap?.pid else { return false }
            return below.contains(process.pid)
                || identity.startedByLlamaSwap(process, environment: table.environment(of: process.pid))
        }
    }

    private func port(_ kind: DaemonKind, own: ProcessFacts?) -> DaemonObservation.Port {
        let port = endpoints.port(kind)
        guard LocalPort.isTaken(host: endpoints.host(kind), port: port) else { return .free }
        guard let listener = table.listener(onPort: port) else {
            // Where the system does not say who listens, a daemon of ours that is alive is the likely one.
            return own == nil ? .stranger(Occupant()) : .own
        }
        if let own {
            if listener == own.pid || table.processes().descendants(of: own.pid).contains(where: { $0.pid == listener })
            {
                return .own
            }
        }
        return .stranger(occupant(listener))
    }

    private func occupant(_ pid: Int32) -> Occupant {
        guard let process = table.process(pid) else { return Occupant(pid: pid) }
        let environment = table.environment(of: pid)
        let isDaemon =
            environment[DaemonIdentity.markVariable] != nil || process.arguments.contains("--config")
            || process.arguments.contains(DaemonKind.router.name)
        return Occupant(
            pid: pid, command: process.name.isEmpty ? nil : process.name,
            project: isDaemon ? DaemonIdentity.project(of: process, environment: environment) : nil)
    }
}
