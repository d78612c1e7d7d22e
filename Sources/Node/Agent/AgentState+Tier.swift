import Cluster
import Crypto
import Wire

extension AgentState {
    /// A tier as this host describes it.
    func report(_ tier: Tier, _ memory: Memory) -> TierReport {
        let (state, note) = Self.state(tier, memory, at: time)
        return TierReport(
            name: tier.name, aliases: tier.effectiveAliases, role: tier.role.name,
            backend: tier.isHosted ? .bedrock : .gguf, shared: catalog.node.shares(tier),
            fingerprint: fingerprint(tier, memory), state: state,
            downloaded: state == .absent ? Self.downloaded(memory) : nil, note: note,
            slots: tier.isHosted ? Self.hostedSlots : memory.slotCount, busy: memory.inHand,
            queued: memory.admission.queuedCount,
            waiting: memory.waiting(at: time), loadRemaining: memory.loadRemaining(at: time),
            sizeBytes: sizeBytes(tier, memory), speed: memory.speed)
    }

    /// 1. A hosted tier: whether it can be asked.
    /// 2. A process of llama-swap's: what it does. It has its weights and its memory, whatever we believe. A load that
    ///    takes too long has failed.
    /// 3. A start that failed a moment ago.
    /// 4. No weights, unless it ran here: a request would begin a download.
    /// 5. Too big for this machine.
    /// 6. Stopped: a request loads it.
    private static func state(_ tier: Tier, _ memory: Memory, at now: Double) -> (TierState, note: String?) {
        // 1
        if tier.isHosted {
            switch memory.verdict {
            case .usable: return (.ready, nil)
            case .unusable(let why): return (.absent, why)
            case nil: return (.absent, "hosted on AWS Bedrock; it is not known yet whether it can be asked")
            }
        }
        // 2
        switch memory.process {
        case .starting:
            guard memory.isOverdue(at: now) else { return (.loading, nil) }
            return (.failed, "its load takes more than \(Int(memory.loadDeadline)) s; its log may say why")
        case .ready: return (.ready, nil)
        case .stopping: return (.stopping, nil)
        case .stopped, nil: break
        }
        // 3
        if memory.failedUntil != nil { return (.failed, "its llama-server ended while loading; its log says why") }
        // 4
        if let weights = memory.weights, !weights.isPresent, !memory.hasRun {
            let isComing = memory.growsUntil != nil
            return (
                .absent, isComing ? "its weights are on their way" : "its weights are not here: run llmstack download"
            )
        }
        // 5
        if let reason = memory.weights?.unfit, !memory.hasRun { return (.unfit, reason) }
        // 6
        return (.stopped, nil)
    }

    /// Requests at once to a hosted tier. AWS counts tokens a minute, not requests; it is enough that few wait for many.
    private static let hostedSlots = 16

    /// In whole hundredths, so that a download is a hundred changes and not thousands.
    private static func downloaded(_ memory: Memory) -> Double? {
        guard memory.growsUntil != nil, let weights = memory.weights, weights.total > 0 else { return nil }
        return min((Double(weights.arrived) / Double(weights.total) * 100).rounded(.down), 99) / 100
    }

    private func sizeBytes(_ tier: Tier, _ memory: Memory) -> UInt64? {
        if let total = memory.weights?.total, total > 0 { return UInt64(total) }
        guard case .gguf(let gguf) = tier.backend else { return nil }
        let size = gguf.weights(next: usesNext).sizeGB
        return size > 0 ? UInt64(min(size, 1e6) * 1e9) : nil
    }

    private func fingerprint(_ tier: Tier, _ memory: Memory) -> TierReport.Fingerprint {
        switch tier.backend {
        case .bedrock(let bedrock):
            return .init(family: bedrock.target(next: usesNext).modelID, contextSize: tier.contextSize)
        case .gguf(let gguf):
            let weights = gguf.weights(next: usesNext)
            return .init(
                family: weights.repo, file: weights.file, quant: weights.quant.isEmpty ? nil : weights.quant,
                contextSize: memory.slots?.contextSize ?? tier.contextSize,
                settings: AnswerSettings(tier, defaults: catalog.defaults).digest)
        }
    }
}

/// All that changes what a llama-server answers, beside the weights and the context.
struct AnswerSettings: Equatable, Sendable {
    /// `key=value`, in an order that does not change.
    let lines: [String]

    init(_ tier: Tier, defaults: ServerDefaults) {
        let sampler = tier.sampler
        var values: [(String, String?)] = [
            ("jinja", defaults.jinja ? "1" : "0"),
            ("cache-type-k", defaults.cacheTypeK), ("cache-type-v", defaults.cacheTypeV),
            ("temp", sampler.temperature?.description), ("top-p", sampler.topP?.description),
            ("top-k", sampler.topK?.description), ("min-p", sampler.minP?.description),
            ("repeat-penalty", sampler.repeatPenalty?.description),
        ]
        if case .gguf(let gguf) = tier.backend, let rope = gguf.rope {
            values += [
                ("rope-scaling", rope.method), ("rope-scale", rope.scale), ("yarn-orig-ctx", rope.originalContext),
            ]
        }
        lines = values.compactMap { name, value in value.map { "\(name)=\($0)" } }
    }

    /// SHA-256, in hex.
    var digest: String {
        SHA256.hash(data: Array(lines.joined(separator: "\n").utf8)).map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0\(hex)" : hex
        }.joined()
    }
}

extension TierSpeed {
    /// Prompt tokens below which the time is that of one batch and of the request around it: it says little of how fast
    /// a long prompt is worked through.
    static let leastPrompt = 128
    /// Tokens below which one slow token (the first after another request's prompt) would be most of the time.
    static let leastDecoded = 16
    /// Milliseconds below which the clock's own steps would show in the rate.
    private static let leastMilliseconds = 1.0

    /// Takes one reply into the means.
    mutating func learn(from timings: ReplyTimings) {
        if timings.promptTokens >= Self.leastPrompt, timings.promptMilliseconds >= Self.leastMilliseconds {
            let rate = Double(timings.promptTokens) / timings.promptMilliseconds * 1000
            prefillRate = Self.mean(prefillRate, with: rate)
        }
        if timings.decodedTokens >= Self.leastDecoded, timings.decodeMilliseconds >= Self.leastMilliseconds {
            // llama-server starts this clock when the first token is there: it is counted, and took no time of it.
            let rate = Double(timings.decodedTokens - 1) / timings.decodeMilliseconds * 1000
            decodeRate = Self.mean(decodeRate, with: rate)
        }
        let prompt = timings.promptTokens + timings.cachedTokens
        // One token is always worked through, even where the cache has the whole prompt.
        if prompt > 1 { cacheRatio = Self.mean(cacheRatio, with: Double(timings.cachedTokens) / Double(prompt)) }
    }
}
