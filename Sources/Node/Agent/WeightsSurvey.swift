import Cluster

/// Looks which weights are on this machine, and whether they fit into its memory.
struct WeightsSurvey: Sendable {
    private let cache: WeightsCache
    /// nil while the machine was not examined: then everything counts as fitting.
    private let limit: MemoryLimit?
    /// Attention shapes of files that were read before, by path and size.
    private var shapes: [WeightsFile: GGUFHeader?] = [:]

    private struct WeightsFile: Hashable {
        var path: String
        var bytes: Int64
    }

    init(environment: [String: String], limit: MemoryLimit?) {
        cache = WeightsCache(environment: environment)
        self.limit = limit
    }

    /// - Returns: by local tier.
    mutating func look(_ catalog: Catalog, usesNext: Bool) -> [String: AgentState.Weights] {
        var all: [String: AgentState.Weights] = [:]
        for tier in catalog.localTiers {
            guard case .gguf(let gguf) = tier.backend else { continue }
            var weights = gguf.weights(next: usesNext)
            let total = Int64(max(0, min(weights.sizeGB * 1e9, 1e15)))
            let found = cache.find(weights)
            if let found { weights.sizeGB = Double(found.bytes) / 1e9 }
            var attention: GGUFHeader?
            if let found { attention = shape(WeightsFile(path: found.path, bytes: found.bytes)) }
            all[tier.name] = AgentState.Weights(
                isPresent: found != nil, arrived: found == nil ? cache.arrived(weights) ?? 0 : 0, total: total,
                unfit: unfit(weights, attention, tier, catalog.defaults))
        }
        return all
    }

    private mutating func shape(_ file: WeightsFile) -> GGUFHeader? {
        if let known = shapes[file] { return known }
        let shape = GGUFHeader.read(file.path)
        shapes[file] = .some(shape)
        return shape
    }

    private func unfit(
        _ weights: GGUF.Weights, _ shape: GGUFHeader?, _ tier: Tier, _ defaults: ServerDefaults
    ) -> String? {
        guard let limit, weights.sizeGB > 0 else { return nil }
        let cacheGB = MemoryMath.cacheGB(
            shape ?? MemoryMath.estimatedShape(weightsGB: weights.sizeGB), contextSize: tier.contextSize,
            defaults: defaults)
        let need = weights.sizeGB + cacheGB
        let sum = "\(ByteCount.oneDecimal(need)) GB with the cache of \(tier.contextSize) tokens"
        switch limit.verdict(need) {
        case .fits, .unknown: return nil
        case .fitsWithLimit(let mebibytes):
            return "it needs \(sum), and \(limit.description): sudo sysctl iogpu.wired_limit_mb=\(mebibytes) raises it"
        case .tooBig: return "it needs \(sum), and \(limit.description)"
        }
    }
}
