/// One process as the system shows it.
package struct ProcessFacts: Equatable, Sendable {
    package var pid: Int32
    package var parent: Int32
    /// Ended, but not yet collected by its parent: it runs no more.
    package var isZombie: Bool
    /// When it began, in a unit of the system's own: only equality means something. With the pid it names a process for
    /// good, while a pid alone may be given to another.
    package var startTime: UInt64
    /// Its command line; empty where it is not ours to see.
    package var arguments: [String]

    package init(pid: Int32, parent: Int32, isZombie: Bool, startTime: UInt64, arguments: [String]) {
        self.pid = pid
        self.parent = parent
        self.isZombie = isZombie
        self.startTime = startTime
        self.arguments = arguments
    }

    /// The program's name, without directories; for one of llama.cpp's or llama-swap that is a script, the script's and
    /// not the interpreter's. Empty where the command line is not ours to see.
    package var name: String {
        let names = arguments.prefix(3).map { String($0.split(separator: "/").last ?? "") }
        return names.first { $0.hasPrefix("llama") } ?? names.first ?? ""
    }

    /// Whether the two are one process at different times: its parent may have changed since.
    package func isSame(as other: ProcessFacts) -> Bool { pid == other.pid && startTime == other.startTime }
}

/// What runs on this host, read anew at each question.
package protocol ProcessTable: Sendable {
    /// - Returns: nil when no process has that pid. A zombie is returned as one.
    func process(_ pid: Int32) -> ProcessFacts?

    /// All processes, in no particular order.
    func processes() -> [ProcessFacts]

    /// The environment that a process was started with; empty where it is not ours to see.
    func environment(of pid: Int32) -> [String: String]

    /// The process that listens on a TCP port of this host.
    ///
    /// - Returns: nil when nobody does, and also when the system does not say who.
    func listener(onPort port: Int) -> Int32?
}

extension ProcessTable {
    /// Alive means: there, no zombie, and begun when `facts` say, so that a reused pid does not count.
    package func isAlive(_ facts: ProcessFacts) -> Bool {
        guard let now = process(facts.pid) else { return false }
        return !now.isZombie && now.startTime == facts.startTime
    }
}

extension [ProcessFacts] {
    /// The children of a process, their children and so on; without the process itself.
    package func descendants(of pid: Int32) -> [ProcessFacts] {
        let children = Dictionary(grouping: self, by: \.parent)
        var found: [ProcessFacts] = []
        var seen: Set<Int32> = [pid]
        var queue = [pid]
        while let next = queue.popLast() {
            for child in children[next] ?? [] where seen.insert(child.pid).inserted {
                found.append(child)
                queue.append(child.pid)
            }
        }
        return found
    }
}
