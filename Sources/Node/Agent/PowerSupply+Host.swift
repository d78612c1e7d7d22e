import Cluster

extension PowerSupply {
    /// Of this machine, now.
    static func now(environment: [String: String], sysRoot: String) async -> NodeDescription.Power {
        #if canImport(Darwin)
            let command = ShortCommand("/usr/bin/pmset", ["-g", "batt"], environment: environment)
            guard let result = await command.run(limit: .seconds(5)), result.exit == .exited(0) else { return .init() }
            return pmset(result.output)
        #else
            return linux(sysRoot: sysRoot)
        #endif
    }
}
