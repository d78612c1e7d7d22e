import Foundation

#if canImport(Darwin)
    import Darwin
#endif

extension MemoryLimit {
    /// Of this machine: on a Mac what its GPU may wire; elsewhere the graphics memory where it can be seen, else all
    /// memory.
    ///
    /// - Parameter environment: where `nvidia-smi` is looked for.
    package static func ofThisHost(environment: [String: String]) async -> MemoryLimit {
        of(await GraphicsCard.all(environment: environment, sysRoot: "/sys"))
    }

    /// Of this machine with these cards, all together: llama.cpp spreads layers over them.
    static func of(_ cards: [GraphicsCard]) -> MemoryLimit {
        #if canImport(Darwin)
            return apple(
                memory: Int(clamping: ProcessInfo.processInfo.physicalMemory), wiredLimit: wiredLimit())
        #else
            let graphics = cards.reduce(0) { $0 + $1.memory }
            if graphics > 0 { return MemoryLimit(bytes: graphics, kind: .graphics) }
            return MemoryLimit(bytes: Double(ProcessInfo.processInfo.physicalMemory), kind: .system)
        #endif
    }

    #if canImport(Darwin)
        private static func wiredLimit() -> Int {
            var value: Int64 = 0
            var size = MemoryLayout<Int64>.size
            guard sysctlbyname("iogpu.wired_limit_mb", &value, &size, nil, 0) == 0 else { return 0 }
            return size == 4 ? Int(Int32(truncatingIfNeeded: value)) : Int(value)
        }
    #endif
}
