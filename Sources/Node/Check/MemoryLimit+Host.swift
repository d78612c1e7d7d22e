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
        #if canImport(Darwin)
            return apple(
                memory: Int(clamping: ProcessInfo.processInfo.physicalMemory), wiredLimit: wiredLimit())
        #else
            let graphics = await nvidia(environment) + amd()
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
    #else
        /// All cards together: llama.cpp spreads layers over them.
        private static func nvidia(_ environment: [String: String]) async -> Double {
            guard let program = ProgramSearch(environment: environment).first("nvidia-smi") else { return 0 }
            let query = ["--query-gpu=memory.total", "--format=csv,noheader,nounits"]
            let result = await ShortCommand(program, query, environment: environment).run(limit: .seconds(5))
            guard let result, result.exit == .exited(0) else { return 0 }
            return result.output.split(whereSeparator: \.isNewline)
                .compactMap { Double($0.trimmingCharacters(in: .whitespaces)) }.reduce(0, +) * 1_048_576
        }

        /// Cards with 2 GB and more: less is what an integrated one has set aside, beside the memory that it shares.
        private static func amd() -> Double {
            let cards = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/drm")) ?? []
            return cards.filter { $0.wholeMatch(of: /card\d+/) != nil }.compactMap { card in
                let text = try? String(
                    contentsOfFile: "/sys/class/drm/\(card)/device/mem_info_vram_total", encoding: .utf8)
                return text.flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
            }.filter { $0 >= 2e9 }.reduce(0, +)
        }
    #endif
}
