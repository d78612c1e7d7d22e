import Wire

extension UpstreamFailure {
    /// To the client of a request that was llama-swap's.
    var replyOfLlamaSwap: Reply {
        OpenAIError(
            502, "upstream_unavailable",
            "llama-swap: \(self). See .llmstack/logs/llama-swap.log; llmstack start brings it up."
        ).reply
    }
}
