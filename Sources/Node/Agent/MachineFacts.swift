import Cluster
import Foundation

/// What this machine is to models: its accelerator and the memory that they may fill.
struct MachineFacts: Equatable, Sendable {
    var description: NodeDescription.Machine
    var limit: MemoryLimit

    /// Looks at everything. `nvidia-smi` may take a second; it is given five.
    static func examine(environment: [String: String], sysRoot: String) async -> MachineFacts {
        let cards = await GraphicsCard.all(environment: environment, sysRoot: sysRoot)
        let limit = MemoryLimit.of(cards)
        var machine = NodeDescription.Machine.unexamined
        machine.accelerator = GraphicsCard.title(cards)
        machine.modelMemory = UInt64(limit.bytes)
        return MachineFacts(description: machine, limit: limit)
    }
}

extension NodeDescription.Machine {
    /// What the system says without being asked twice; no accelerator.
    static var unexamined: Self {
        let memory = ProcessInfo.processInfo.physicalMemory
        return Self(platform: MachinePlatform.name, accelerator: nil, modelMemory: memory, memory: memory)
    }
}
