/// A tier of a node, as that node describes it.
package struct TierReport: Equatable, Sendable, Codable {
    package var name: String
    package var aliases: [String]
    package var role: String
    package var backend: Backend
    /// Whether the node lends it to others.
    package var shared: Bool
    package var fingerprint: Fingerprint
    package var state: TierState
    /// Of a download under way, from 0 to 1; nil where none is.
    package var downloaded: Double?
    /// Why the state is what it is, for people, where that needs saying.
    package var note: String?
    /// Requests that run at once.
    package var slots: Int
    /// Requests in hand, of whoever asked; those that wait included.
    package var busy: Int
    package var queued: Int
    /// Requests that the node has not let in yet, next one first.
    package var waiting: [Waiting]
    /// Whole seconds until a load that is under way is expected to end; nil where none is, or nobody can tell.
    package var loadRemaining: Double?
    /// Bytes of the weights; nil when unknown.
    package var sizeBytes: UInt64?
    package var speed: TierSpeed

    package enum Backend: String, Equatable, Sendable, Codable {
        case gguf
        case bedrock
        /// A word of a newer node.
        case unknown

        package init(from decoder: any Decoder) throws {
            self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
        }
    }

    /// What tells whether two tiers of one name are the same model.
    package struct Fingerprint: Equatable, Sendable, Codable {
        /// `owner/name` on Hugging Face, or the Bedrock model's id: two tiers with one of these are one family.
        package var family: String
        package var file: String?
        package var quant: String?
        /// Tokens of one slot; 0 when unknown.
        package var contextSize: Int
        /// SHA-256 of chat template and sampler, in hex; nil when unknown.
        package var settings: String?

        package init(
            family: String, file: String? = nil, quant: String? = nil, contextSize: Int = 0, settings: String? = nil
        ) {
            self.family = family
            self.file = file
            self.quant = quant
            self.contextSize = contextSize
            self.settings = settings
        }

        enum CodingKeys: String, CodingKey {
            case family, file, quant, settings
            case contextSize = "ctx"
        }
    }

    /// A request that waits to be let in: so a router learns where its own stands.
    package struct Waiting: Equatable, Sendable, Codable {
        /// ``AdmissionRequest/id``.
        package var request: String
        /// Until a slot is expected to begin with it.
        package var seconds: Double

        package init(request: String, seconds: Double) {
            self.request = request
            self.seconds = seconds
        }
    }

    package init(
        name: String, aliases: [String] = [], role: String = "", backend: Backend = .gguf, shared: Bool = true,
        fingerprint: Fingerprint, state: TierState = .stopped, downloaded: Double? = nil, note: String? = nil,
        slots: Int = 1, busy: Int = 0, queued: Int = 0, waiting: [Waiting] = [], loadRemaining: Double? = nil,
        sizeBytes: UInt64? = nil, speed: TierSpeed = .init()
    ) {
        self.name = name
        self.aliases = aliases
        self.role = role
        self.backend = backend
        self.shared = shared
        self.fingerprint = fingerprint
        self.state = state
        self.downloaded = downloaded
        self.note = note
        self.slots = slots
        self.busy = busy
        self.queued = queued
        self.waiting = waiting
        self.loadRemaining = loadRemaining
        self.sizeBytes = sizeBytes
        self.speed = speed
    }
}

extension TierReport {
    enum CodingKeys: String, CodingKey {
        case name, aliases, role, backend, shared, fingerprint, state, downloaded, note, slots, busy, queued, waiting,
            speed
        case loadRemaining = "load_remaining_seconds"
        case sizeBytes = "size_bytes"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try values.decode(String.self, forKey: .name),
            aliases: try values.decode([String].self, forKey: .aliases),
            role: try values.decode(String.self, forKey: .role),
            backend: try values.decode(Backend.self, forKey: .backend),
            shared: try values.decode(Bool.self, forKey: .shared),
            fingerprint: try values.decode(Fingerprint.self, forKey: .fingerprint),
            state: try values.decode(TierState.self, forKey: .state),
            downloaded: try values.decodeIfPresent(Double.self, forKey: .downloaded),
            note: try values.decodeIfPresent(String.self, forKey: .note),
            slots: try values.decode(Int.self, forKey: .slots),
            busy: try values.decode(Int.self, forKey: .busy),
            queued: try values.decode(Int.self, forKey: .queued),
            // An older node does not say.
            waiting: try values.decodeIfPresent([Waiting].self, forKey: .waiting) ?? [],
            loadRemaining: try values.decodeIfPresent(Double.self, forKey: .loadRemaining),
            sizeBytes: try values.decodeIfPresent(UInt64.self, forKey: .sizeBytes),
            speed: try values.decode(TierSpeed.self, forKey: .speed))
    }
}

/// What a tier is doing on a node.
package enum TierState: String, Equatable, Sendable, Codable, CaseIterable, BitwiseCopyable {
    /// The weights are not on disk: a request must not start a download.
    case absent
    /// Weights and cache are larger than the accelerator's memory.
    case unfit
    case stopped
    case loading
    case ready
    case stopping
    case failed
    /// A word of a newer node.
    case unknown

    package init(from decoder: any Decoder) throws {
        self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
    }

    /// Whether a request may be sent there, now or after a load.
    package var canServe: Bool {
        switch self {
        case .stopped, .loading, .ready, .stopping: true
        case .absent, .unfit, .failed, .unknown: false
        }
    }
}

/// How fast a node serves a tier: exponentially weighted means of what was observed. nil where nothing was.
package struct TierSpeed: Equatable, Sendable, Codable {
    /// From stopped to ready.
    package var loadSeconds: Double?
    /// Prompt tokens a second, those that the cache had left out.
    package var prefillRate: Double?
    /// Tokens a second of one request.
    package var decodeRate: Double?
    /// Prompt tokens that the cache had, of all prompt tokens: from 0 to 1.
    package var cacheRatio: Double?
    /// How the time of a prompt grows with its length.
    package var prefillCurve: PrefillCurve?

    package init(
        loadSeconds: Double? = nil, prefillRate: Double? = nil, decodeRate: Double? = nil, cacheRatio: Double? = nil,
        prefillCurve: PrefillCurve? = nil
    ) {
        self.loadSeconds = loadSeconds
        self.prefillRate = prefillRate
        self.decodeRate = decodeRate
        self.cacheRatio = cacheRatio
        self.prefillCurve = prefillCurve
    }

    enum CodingKeys: String, CodingKey {
        case loadSeconds = "load_seconds"
        case prefillRate = "prefill_tokens_per_second"
        case decodeRate = "decode_tokens_per_second"
        case cacheRatio = "cache_ratio"
        case prefillCurve = "prefill_curve"
    }

    /// This, and where it says nothing what was known before: a host that starts anew is as fast as it was.
    package func completed(by older: TierSpeed?) -> TierSpeed {
        guard let older else { return self }
        let tellsPrefill = prefillRate != nil || prefillCurve != nil
        return TierSpeed(
            loadSeconds: loadSeconds ?? older.loadSeconds, prefillRate: tellsPrefill ? prefillRate : older.prefillRate,
            decodeRate: decodeRate ?? older.decodeRate, cacheRatio: cacheRatio ?? older.cacheRatio,
            prefillCurve: tellsPrefill ? prefillCurve : older.prefillCurve)
    }

    /// The weight of the newest observation. Of a series that jumps, two thirds are forgotten after five observations.
    package static let newestWeight = 0.2

    /// A mean with one more observation in it.
    package static func mean(_ old: Double?, with new: Double) -> Double {
        old.map { $0 + newestWeight * (new - $0) } ?? new
    }
}
