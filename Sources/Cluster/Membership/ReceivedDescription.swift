// What other nodes say of themselves enters here. Whatever it is, afterwards it can be computed with, kept and shown.

/// How much of it is believed.
private enum Bounds {
    /// Requests and slots: more than any host has, few enough to be added up.
    static let count = 0...1_000_000
    /// Tokens of a context.
    static let context = 0...1_000_000_000
    /// Tokens a second, and seconds.
    static let rate = 0.0...1e9
    static let share = 0.0...1.0
    /// Of tiers, and of whatever else there is a list of.
    static let tiers = 256
    static let aliases = 64
    /// Requests that are told of as waiting: twice what a node lets wait.
    static let waiting = 64
    /// Characters of a request's identifier.
    static let request = 40
    /// Bytes of weights.
    static let bytes = UInt64(1) << 50

    static func clamp(_ value: Int, _ range: ClosedRange<Int>) -> Int {
        min(max(value, range.lowerBound), range.upperBound)
    }

    /// - Returns: nil for what is no number.
    static func clamp(_ value: Double?, _ range: ClosedRange<Double>) -> Double? {
        guard let value, value.isFinite else { return nil }
        return min(max(value, range.lowerBound), range.upperBound)
    }

    static func printable(_ names: [String], _ limit: Int) -> [String] { names.prefix(limit).map { $0.printable() } }
}

extension NodeDescription {
    /// The description with numbers in bounds, lists of bounded length, and text that can be shown.
    ///
    /// - Returns: nil when the node or its cluster has no identifier.
    package var sanitised: NodeDescription? {
        guard Advertisement.isIdentifier(id.description), Advertisement.isIdentifier(cluster.description) else {
            return nil
        }
        var clean = self
        clean.name = name.printable()
        clean.clusterName = clusterName.printable()
        clean.version = version.printable()
        clean.machine = machine.sanitised
        clean.tiers = tiers.prefix(Bounds.tiers).map(\.sanitised)
        clean.residentSets = residentSets.prefix(Bounds.tiers).map { Bounds.printable($0, Bounds.tiers) }
        clean.policy = policy.sanitised
        clean.power = power.sanitised
        return clean
    }
}

extension NodeDescription.Machine {
    package var sanitised: Self {
        .init(
            platform: platform.printable(), accelerator: accelerator?.printable(), modelMemory: modelMemory,
            memory: memory)
    }
}

extension NodeDescription.Policy {
    package var sanitised: Self {
        .init(share: Bounds.printable(share, Bounds.tiers), accepting: accepting, reason: reason?.printable())
    }
}

extension NodeDescription.Power {
    package var sanitised: Self { .init(source: source, level: Bounds.clamp(level, Bounds.share)) }
}

extension NodeChange {
    /// The change with the bounds of ``NodeDescription/sanitised``.
    package var sanitised: NodeChange {
        NodeChange(
            sequence: sequence, tiers: tiers.map { $0.prefix(Bounds.tiers).map(\.sanitised) },
            policy: policy?.sanitised, power: power?.sanitised)
    }
}

extension TierReport {
    /// The report with the bounds of ``NodeDescription/sanitised``.
    package var sanitised: TierReport {
        var clean = self
        clean.name = name.printable()
        clean.aliases = Bounds.printable(aliases, Bounds.aliases)
        clean.role = role.printable()
        clean.fingerprint = .init(
            family: fingerprint.family.printable(), file: fingerprint.file?.printable(),
            quant: fingerprint.quant?.printable(), contextSize: Bounds.clamp(fingerprint.contextSize, Bounds.context),
            settings: fingerprint.settings?.printable())
        clean.downloaded = Bounds.clamp(downloaded, Bounds.share)
        clean.note = note?.printable()
        clean.slots = Bounds.clamp(slots, Bounds.count)
        clean.busy = Bounds.clamp(busy, Bounds.count)
        clean.queued = Bounds.clamp(queued, Bounds.count)
        clean.waiting = waiting.prefix(Bounds.waiting).compactMap(\.sanitised)
        clean.loadRemaining = Bounds.clamp(loadRemaining, Bounds.rate)
        clean.sizeBytes = sizeBytes.map { min($0, Bounds.bytes) }
        clean.speed = speed.sanitised
        return clean
    }
}

extension TierSpeed {
    package var sanitised: TierSpeed {
        .init(
            loadSeconds: Bounds.clamp(loadSeconds, Bounds.rate), prefillRate: Bounds.clamp(prefillRate, Bounds.rate),
            decodeRate: Bounds.clamp(decodeRate, Bounds.rate), cacheRatio: Bounds.clamp(cacheRatio, Bounds.share),
            prefillCurve: prefillCurve.flatMap { curve in
                guard let base = Bounds.clamp(curve.base, Bounds.rate),
                    let growth = Bounds.clamp(curve.growth, Bounds.rate)
                else { return nil }
                return PrefillCurve(base: base, growth: growth)
            })
    }
}

extension TierReport.Waiting {
    /// - Returns: nil for what stands nowhere: its seconds are no number.
    package var sanitised: Self? {
        Bounds.clamp(seconds, Bounds.rate).map { Self(request: request.printable(Bounds.request), seconds: $0) }
    }
}
