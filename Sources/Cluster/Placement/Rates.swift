/// How fast a host serves a tier, with a number for everything: what the host observes, else what was known of it before,
/// else a guess by size and hardware.
package struct Rates: Equatable, Sendable, Codable, BitwiseCopyable {
    /// Seconds from stopped to ready.
    package var load: Double
    package var prefill: PrefillCurve
    /// Tokens a second of one request that is alone.
    package var decode: Double

    /// - Parameters:
    ///   - told: by the host, of this run of its router.
    ///   - known: from before.
    package init(_ tier: TierReport, on machine: NodeDescription.Machine, told: TierSpeed, known: TierSpeed?) {
        let guess = Hardware(machine).guess(sizeBytes: tier.sizeBytes)
        let speed = told.completed(by: known)
        load = speed.loadSeconds ?? guess.load
        prefill = speed.prefillCurve ?? speed.prefillRate.map(Self.flat) ?? guess.prefill
        decode = max(speed.decodeRate ?? guess.decode, Self.leastRate)
    }

    private init(load: Double, prefill: Double, decode: Double) {
        self.load = load
        self.prefill = Self.flat(prefill)
        self.decode = decode
    }

    /// - Parameter rate: tokens a second, whatever the length.
    private static func flat(_ rate: Double) -> PrefillCurve { PrefillCurve(base: 1 / max(rate, leastRate), growth: 0) }

    /// Tokens a second: what is divided by must not be 0.
    private static let leastRate = 0.1

    /// What hardware of a kind does with a model of a size, until something was measured. Decoding reads all weights once a
    /// token, so its rate is memory bandwidth over size; prefill is that times what the arithmetic allows. Bandwidths are
    /// of the makers' sheets (M4 Max 546 GB/s, cards of 2022 and later 500 to 1,000, desktop DDR5 80), of which half is
    /// reached; the multiples are of llama.cpp's own benchmarks, rounded.
    private struct Hardware {
        /// Bytes a second.
        var bandwidth: Double
        var prefillMultiple: Double

        init(_ machine: NodeDescription.Machine) {
            if machine.platform.hasPrefix("macos") {
                self.init(bandwidth: 270e9, prefillMultiple: 12)
            } else if machine.accelerator != nil {
                self.init(bandwidth: 350e9, prefillMultiple: 30)
            } else {
                self.init(bandwidth: 25e9, prefillMultiple: 5)
            }
        }

        private init(bandwidth: Double, prefillMultiple: Double) {
            self.bandwidth = bandwidth
            self.prefillMultiple = prefillMultiple
        }

        /// Bytes a second that weights are read with from disk, and the seconds of a start around that.
        private static let disk = 1.5e9
        private static let start = 3.0
        /// Tokens a second that no model decodes faster with.
        private static let fastest = 200.0
        /// Bytes of a model of which nothing is known: a quantised 8B.
        private static let unknownSize = 5e9

        func guess(sizeBytes: UInt64?) -> Rates {
            let size = max(sizeBytes.map(Double.init) ?? Self.unknownSize, 1e6)
            let decode = min(bandwidth / size, Self.fastest)
            return Rates(load: Self.start + size / Self.disk, prefill: decode * prefillMultiple, decode: decode)
        }
    }
}
