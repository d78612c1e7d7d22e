/// How long requests to a tier of this host take, by what was observed of it.
package struct ServiceEstimate: Equatable, Sendable {
    /// Whether the tier's llama-server takes requests; times on the clock of whoever asks.
    package enum Readiness: Equatable, Sendable {
        /// The next request loads it.
        case stopped
        /// - Parameter since: nil when nobody saw it begin.
        case loading(since: Double?)
        case ready(since: Double)
    }

    package var speed: TierSpeed
    package var readiness: Readiness
    /// Mean seconds that a slot was busy with one request; nil before the first.
    package private(set) var observed: Double?

    package init(speed: TierSpeed = .init(), readiness: Readiness = .stopped) {
        self.speed = speed
        self.readiness = readiness
    }

    /// Tokens of a reply whose length nobody can tell: a few paragraphs, or a function.
    package static let defaultOutputTokens = 256
    /// Seconds of a request at a tier that has served none yet: 4,000 tokens read at 800 a second, 256 written at 25.
    package static let defaultSeconds = 15.0
    /// Seconds of a first load: 40 GB at 2 GB a second.
    package static let defaultLoadSeconds = 20.0
    /// Of what was expected: what still remains, at least, of something that takes longer than that.
    package static let leastShare = 0.1
    /// A request that ended sooner without timings has failed rather than been served, and says nothing of the next.
    package static let leastObserved = 1.0

    /// Seconds of a slot that a request takes.
    ///
    /// 1. Both rates are known: prompt and reply at these.
    /// 2. Requests were observed: their mean.
    /// 3. Nothing is known: the default.
    package func seconds(of request: AdmissionRequest) -> Double {
        // 1
        if let rate = speed.prefillRate, let decode = speed.decodeRate, rate > 0, decode > 0 {
            let prompt = Double(max(0, request.promptTokens))
            let output = Double(max(0, request.outputTokens ?? Self.defaultOutputTokens))
            return (speed.prefillCurve?.seconds(of: prompt) ?? prompt / rate) + output / decode
        }
        // 2, 3
        return observed ?? Self.defaultSeconds
    }

    /// What remains of a request that a slot began with then, a load that is under way or to come included.
    package func remaining(_ request: AdmissionRequest, since began: Double, at now: Double) -> Double {
        let seconds = seconds(of: request)
        guard case .ready = readiness else { return loadRemaining(at: now) + seconds }
        return max(seconds - elapsed(since: began, at: now), Self.leastShare * seconds)
    }

    /// Seconds until the tier takes requests: 0 when it does.
    package func loadRemaining(at now: Double) -> Double {
        let load = speed.loadSeconds ?? Self.defaultLoadSeconds
        return switch readiness {
        case .ready: 0
        case .stopped, .loading(nil): load
        // One that is late by so much is late by as much again: a load that hangs does not always seem about to end.
        case .loading(let since?): max(load - (now - since), Self.leastShare * load, now - since - load)
        }
    }

    /// A slot was busy with a request.
    ///
    /// - Parameters:
    ///   - began: when the slot began with it.
    ///   - served: seconds of work, by the engine's own clock; nil when it did not say.
    package mutating func learn(since began: Double, served: Double?, at now: Double) {
        let elapsed = elapsed(since: began, at: now)
        guard let seconds = served ?? (elapsed >= Self.leastObserved ? elapsed : nil) else { return }
        observed = TierSpeed.mean(observed, with: seconds)
    }

    /// Other weights run: what was observed says nothing of them.
    package mutating func forget() { observed = nil }

    /// Seconds of work: a request that came before the tier was ready has waited until then. 0 while it is not.
    private func elapsed(since began: Double, at now: Double) -> Double {
        guard case .ready(let since) = readiness else { return 0 }
        return max(0, now - max(began, since))
    }
}
