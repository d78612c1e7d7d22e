/// One named quality level of models.ini: a local GGUF, or a model hosted on AWS Bedrock.
package struct Tier: Equatable, Sendable {
    /// The section's name: what clients put into `model`.
    package var name: String
    package var role: Role
    /// The label `tier = …`; the role's name when there is none.
    package var label: String
    package var backend: Backend
    /// Only what the file lists; see ``effectiveAliases``.
    package var aliases: [String]
    /// Context window in tokens; 0 when unknown.
    package var contextSize: Int
    package var sampler: Sampler
    /// The section's name when the file has none.
    package var description: String
    /// `ttl`: seconds idle until unloaded, where the file says so.
    package var idleSeconds: Int?
    /// Line of the section's header in models.ini.
    package var line: Int

    package enum Backend: Equatable, Sendable {
        case gguf(GGUF)
        case bedrock(Bedrock)
    }

    /// The listed aliases, else those of the role.
    package var effectiveAliases: [String] {
        aliases.isEmpty ? role.aliases : aliases
    }

    package var isHosted: Bool {
        if case .bedrock = backend { true } else { false }
    }

    /// Whether `start --next` would run something else than `start`.
    package var hasNext: Bool {
        switch backend {
        case .gguf(let gguf): gguf.next != nil
        case .bedrock(let bedrock): bedrock.nextModelID != nil
        }
    }
}

/// Weights on Hugging Face, and those queued to replace them.
package struct GGUF: Equatable, Sendable {
    package struct Weights: Equatable, Sendable {
        /// `owner/name` on Hugging Face.
        package var repo: String
        package var file: String
        /// Size in GB (10^9 bytes); 0 when unknown.
        package var sizeGB: Double
        package var quant: String
    }

    package var current: Weights
    /// `hf_file_next` and its companions; what they leave out is as in ``current``.
    package var next: Weights?
    package var rope: RopeScaling?

    /// - Returns: the queued weights where there are any and the channel asks for them.
    package func weights(next wanted: Bool) -> Weights {
        wanted ? next ?? current : current
    }
}

/// `rope_scaling = yarn(scale=4, orig_ctx=32768)`.
package struct RopeScaling: Equatable, Sendable {
    /// llama-server's word: `yarn`, `linear`.
    package var method: String
    /// As written.
    package var scale: String?
    package var originalContext: String?
}

/// A model on AWS Bedrock. Credentials are never here: a profile's name at most.
package struct Bedrock: Equatable, Sendable {
    package var modelID: String
    package var region: String?
    package var profile: String?
    package var endpoint: String?
    package var nextModelID: String?
    package var nextRegion: String?

    /// - Returns: the model and region that the channel asks for.
    package func target(next wanted: Bool) -> (modelID: String, region: String?) {
        guard wanted, let nextModelID else { return (modelID, region) }
        return (nextModelID, nextRegion ?? region)
    }
}

/// Sampling parameters, as far as a tier sets them.
package struct Sampler: Equatable, Sendable {
    package var temperature: Double?
    package var topP: Double?
    package var topK: Double?
    package var minP: Double?
    package var repeatPenalty: Double?

    package init() {}
}
