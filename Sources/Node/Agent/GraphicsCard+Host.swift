import Foundation

#if canImport(Darwin)
    import Darwin

    extension GraphicsCard {
        /// On a Mac the chip: its GPU shares the machine's memory.
        static func all(environment: [String: String], sysRoot: String) async -> [GraphicsCard] {
            var name = [CChar](repeating: 0, count: 256)
            var size = name.count - 1
            guard sysctlbyname("machdep.cpu.brand_string", &name, &size, nil, 0) == 0 else { return [] }
            let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return [GraphicsCard(name: text, memory: 0)]
        }
    }
#else
    extension GraphicsCard {
        /// NVIDIA's by `nvidia-smi`, AMD's by sysfs; none where neither knows of one.
        static func all(environment: [String: String], sysRoot: String) async -> [GraphicsCard] {
            await nvidia(environment) + amd(sysRoot: sysRoot)
        }

        private static func nvidia(_ environment: [String: String]) async -> [GraphicsCard] {
            guard let program = ProgramSearch(environment: environment).first("nvidia-smi") else { return [] }
            let query = ["--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
            let result = await ShortCommand(program, query, environment: environment).run(limit: .seconds(5))
            guard let result, result.exit == .exited(0) else { return [] }
            return nvidia(result.output)
        }
    }
#endif
