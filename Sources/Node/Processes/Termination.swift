#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Ends processes: asks first (SIGTERM), waits, then insists (SIGKILL).
package struct Termination: Sendable {
    private let table: any ProcessTable

    package init(table: any ProcessTable) { self.table = table }

    package enum Outcome: Equatable, Sendable {
        case alreadyGone
        case ended
        /// It did not go in time and was killed.
        case killed
        /// It is still there; not ours to signal, or stuck in the kernel.
        case stays
    }

    /// Ends all of them at once. Each is identified by pid and start time again before each signal, so that a pid given
    /// to another process meanwhile is left alone.
    ///
    /// - Parameter patience: from SIGTERM to SIGKILL.
    /// - Returns: an outcome for each process, in order.
    package func end(_ processes: [ProcessFacts], patience: Duration) async -> [Outcome] {
        let wasAlive = processes.map(table.isAlive)
        signal(processes, SIGTERM)
        await settle(processes, limit: patience)
        let stubborn = processes.map(table.isAlive)
        signal(processes, SIGKILL)
        if stubborn.contains(true) { await settle(processes, limit: .seconds(2)) }
        return processes.indices.map { index in
            guard wasAlive[index] else { return .alreadyGone }
            guard stubborn[index] else { return .ended }
            return table.isAlive(processes[index]) ? .stays : .killed
        }
    }

    private func signal(_ processes: [ProcessFacts], _ number: Int32) {
        for process in processes where table.isAlive(process) { kill(process.pid, number) }
    }

    private func settle(_ processes: [ProcessFacts], limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        while processes.contains(where: table.isAlive), ContinuousClock.now < deadline {
            do { try await Task.sleep(for: .milliseconds(20)) } catch { return }
        }
    }
}
