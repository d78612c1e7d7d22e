import Foundation

/// The parts of opencode.json that the environment decides.
package struct OpencodeSettings: Equatable, Sendable {
    /// `$OPENCODE_SHARE`, even when empty; else `disabled`.
    package var share = "disabled"
    /// `$OPENCODE_USERNAME`, unless empty.
    package var username: String?
    /// `$OPENCODE_DISABLED_PROVIDERS`, parted at commas; an empty list leaves the key out.
    package var disabledProviders = hostedProviders
    /// `$OPENCODE_INSTRUCTIONS`, parted at colons; nil when it is not set. Counts for a preview only: an installed
    /// file always names the project's AGENTS.md.
    package var previewInstructions: [String]?

    /// Providers that opencode would offer beside ours: with them off, no prompt leaves this host unasked.
    package static let hostedProviders = [
        "anthropic", "openai", "google", "openrouter", "xai", "groq", "deepseek", "mistral", "cerebras", "azure",
        "perplexity", "vercel", "morph", "bedrock",
    ]

    package init(environment: [String: String]) {
        share = environment["OPENCODE_SHARE"] ?? share
        username = environment["OPENCODE_USERNAME"].flatMap { $0.isEmpty ? nil : $0 }
        if let list = environment["OPENCODE_DISABLED_PROVIDERS"] {
            disabledProviders = list.split(separator: ",")
                .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
                .filter { !$0.isEmpty }
        }
        previewInstructions = environment["OPENCODE_INSTRUCTIONS"].map { $0.split(separator: ":").map(String.init) }
    }
}
