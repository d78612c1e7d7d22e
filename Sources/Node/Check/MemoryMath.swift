package import Cluster

/// Whether what may be in memory together fits there: for each allowed set of tiers, weights plus KV cache at the
/// configured context, in the worst case of a full window.
package struct MemoryMath: Equatable, Sendable {
    /// What one tier takes.
    package struct Need: Equatable, Sendable {
        /// In GB (10^9 bytes).
        package var weightsGB: Double
        package var cacheGB: Double
        /// From the model's own metadata; else from the size of its weights.
        package var isMeasured: Bool

        package init(weightsGB: Double, cacheGB: Double, isMeasured: Bool) {
            self.weightsGB = weightsGB
            self.cacheGB = cacheGB
            self.isMeasured = isMeasured
        }
    }

    package enum Verdict: Equatable, Sendable {
        case fits
        /// Only with a raised limit, in MiB.
        case fitsWithLimit(mebibytes: Int)
        case tooBig
        /// A tier's size is not in models.ini.
        case unknown
    }

    package struct Row: Equatable, Sendable {
        package var tiers: [String]
        package var label: ModelDownload.Label
        package var need: Need
        package var verdict: Verdict

        package var totalGB: Double { need.weightsGB + need.cacheGB }
    }

    package private(set) var rows: [Row] = []
    package let limit: MemoryLimit

    /// - Parameter shape: the attention of the weights, where their file is on this machine.
    package init(catalog: Catalog, limit: MemoryLimit, shape: (GGUF.Weights) -> GGUFHeader?) {
        self.limit = limit
        let resident = ResidentSets(catalog: catalog)
        let names = Dictionary(uniqueKeysWithValues: resident.variables.map { ($0.letter, $0.tier) })
        for set in resident.sets {
            let tiers = set.letters.compactMap { names[$0] }.compactMap { name in
                catalog.localTiers.first { $0.name == name }
            }
            for label in [ModelDownload.Label.current, .next] {
                guard label == .current || tiers.contains(where: \.hasNext) else { continue }
                let needs = tiers.compactMap {
                    Self.need($0, label: label, defaults: catalog.defaults, shape: shape)
                }
                let sum = needs.reduce(Need(weightsGB: 0, cacheGB: 0, isMeasured: true)) { sum, need in
                    Need(
                        weightsGB: sum.weightsGB + need.weightsGB, cacheGB: sum.cacheGB + need.cacheGB,
                        isMeasured: sum.isMeasured && need.isMeasured)
                }
                let verdict: Verdict =
                    needs.contains { $0.weightsGB <= 0 } ? .unknown : limit.verdict(sum.weightsGB + sum.cacheGB)
                rows.append(Row(tiers: tiers.map(\.name), label: label, need: sum, verdict: verdict))
            }
        }
    }

    /// The limit that lets every set in that only a raised one lets in; nil when none needs it.
    package var raisedLimit: Int? {
        rows.compactMap { if case .fitsWithLimit(let mebibytes) = $0.verdict { mebibytes } else { nil } }.max()
    }

    private static func need(
        _ tier: Tier, label: ModelDownload.Label, defaults: ServerDefaults, shape: (GGUF.Weights) -> GGUFHeader?
    ) -> Need? {
        guard case .gguf(let gguf) = tier.backend else { return nil }
        let weights = gguf.weights(next: label == .next)
        let header = shape(weights)
        let elements = header ?? estimatedShape(weightsGB: weights.sizeGB)
        return Need(
            weightsGB: weights.sizeGB,
            cacheGB: cacheGB(elements, contextSize: tier.contextSize, defaults: defaults), isMeasured: header != nil)
    }

    /// The KV cache of a full window, in GB.
    static func cacheGB(_ shape: GGUFHeader, contextSize: Int, defaults: ServerDefaults) -> Double {
        let bytesPerToken =
            shape.keyElements * bytesPerElement(defaults.cacheTypeK)
            + shape.valueElements * bytesPerElement(defaults.cacheTypeV)
        return bytesPerToken * Double(contextSize) / 1e9
    }

    /// Without the file itself, the cache follows the size of the weights: 5,400 elements a token for each GB, no fewer
    /// than 18,000 and no more than 70,000.
    ///
    /// Fitted to models as published, at four to five bits a weight: Qwen2.5-Coder-3B (2.5 GB; 36 layers, 2 KV heads of
    /// 128, K and V: 18,432) and Mistral-Small-3.2-24B (13 GB; 40 layers, 8 KV heads of 128: 81,920); larger ones
    /// are mostly mixtures of experts, whose cache does not grow with their weights.
    package static func estimatedShape(weightsGB: Double) -> GGUFHeader {
        let elements = min(max(weightsGB * 5400, 18_000), 70_000)
        return GGUFHeader(keyElements: elements / 2, valueElements: elements / 2)
    }

    /// Bytes of a block over its elements (ggml's `block_q8_0` and its like, in ggml-common.h).
    package static func bytesPerElement(_ type: String) -> Double {
        switch type.lowercased() {
        case "f32": 4
        case "q8_0": 34.0 / 32
        case "q5_1": 24.0 / 32
        case "q5_0": 22.0 / 32
        case "q4_1": 20.0 / 32
        case "q4_0", "iq4_nl": 18.0 / 32
        default: 2
        }
    }
}
