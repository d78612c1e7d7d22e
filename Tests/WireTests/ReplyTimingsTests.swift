import Testing
import Wire

/// Replies as a real llama-server gave them to two chats and a completion, cut only where they repeat themselves.
struct ReplyTimingsTests {
    // swift-format-ignore
    static let whole = #"""
        {"choices":[{"finish_reason":"length","index":0,"message":{"role":"assistant","content":"defwait numberistantlf to await tests=ve i{J\\ order awaitlf towaitlib"}}],"created":1795522729,"model":"plan","system_fingerprint":"b0-unknown","object":"chat.completion","usage":{"completion_tokens":20,"prompt_tokens":34,"total_tokens":54,"prompt_tokens_details":{"cached_tokens":0}},"id":"chatcmpl-N1ZDd0L7CxUDO5eVC4dpqUXs8099Km0Y","timings":{"cache_n":0,"prompt_n":34,"prompt_ms":6.064,"prompt_per_token_ms":0.1783529411764706,"prompt_per_second":5606.860158311346,"predicted_n":20,"predicted_ms":5.157,"predicted_per_token_ms":0.27142105263157895,"predicted_per_second":3684.312584836145}}
        """#

    // swift-format-ignore
    static let streamed = #"""
        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1795522729,"id":"chatcmpl-lypdM3aIWIcDajXYU7mcL7FAhCfzpYfi","model":"plan","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}

        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" files"}}],"created":1795522729,"id":"chatcmpl-lypdM3aIWIcDajXYU7mcL7FAhCfzpYfi","model":"plan","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}

        data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1795522729,"id":"chatcmpl-lypdM3aIWIcDajXYU7mcL7FAhCfzpYfi","model":"plan","system_fingerprint":"b0-unknown","object":"chat.completion.chunk","timings":{"cache_n":33,"prompt_n":1,"prompt_ms":0.614,"prompt_per_token_ms":0.614,"prompt_per_second":1628.6644951140065,"predicted_n":4,"predicted_ms":0.895,"predicted_per_token_ms":0.29833333333333334,"predicted_per_second":3351.95530726257}}

        data: [DONE]


        """#

    // swift-format-ignore
    static let withUsage = #"""
        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":1795522729,"id":"chatcmpl-ud8z1xNb4bjZabs5K9uBVP9lwsWTKIhP","model":"plan","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}

        data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"\"}}"}}],"created":1795522729,"id":"chatcmpl-ud8z1xNb4bjZabs5K9uBVP9lwsWTKIhP","model":"plan","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}

        data: {"choices":[{"finish_reason":"length","index":0,"delta":{}}],"created":1795522729,"id":"chatcmpl-ud8z1xNb4bjZabs5K9uBVP9lwsWTKIhP","model":"plan","system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}

        data: {"choices":[],"created":1795522729,"id":"chatcmpl-ud8z1xNb4bjZabs5K9uBVP9lwsWTKIhP","model":"plan","system_fingerprint":"b0-unknown","object":"chat.completion.chunk","usage":{"completion_tokens":4,"prompt_tokens":34,"total_tokens":38,"prompt_tokens_details":{"cached_tokens":33}},"timings":{"cache_n":33,"prompt_n":1,"prompt_ms":0.661,"prompt_per_token_ms":0.661,"prompt_per_second":1512.85930408472,"predicted_n":4,"predicted_ms":1.047,"predicted_per_token_ms":0.349,"predicted_per_second":2865.329512893983}}

        data: [DONE]


        """#

    // swift-format-ignore
    static let completion = #"""
        {"content":" is","stop":true,"tokens_cached":9,"timings":{"cache_n":0,"prompt_n":6,"prompt_ms":1.76,"prompt_per_token_ms":0.29333333333333333,"prompt_per_second":3409.090909090909,"predicted_n":4,"predicted_ms":0.853,"predicted_per_token_ms":0.2843333333333333,"predicted_per_second":3516.9988276670574}}
        """#

    private static func timings(
        _ promptTokens: Int, _ promptMilliseconds: Double, _ decoded: Int, _ decodeMilliseconds: Double, cached: Int
    ) -> ReplyTimings {
        ReplyTimings(
            promptTokens: promptTokens, promptMilliseconds: promptMilliseconds, decodedTokens: decoded,
            decodeMilliseconds: decodeMilliseconds, cachedTokens: cached)
    }

    @Test(arguments: [
        (whole, timings(34, 6.064, 20, 5.157, cached: 0)),
        (streamed, timings(1, 0.614, 4, 0.895, cached: 33)),
        (withUsage, timings(1, 0.661, 4, 1.047, cached: 33)),
        (completion, timings(6, 1.76, 4, 0.853, cached: 0)),
    ])
    func `The timings of a real reply are found`(reply: String, timings: ReplyTimings) {
        #expect(ReplyTimings(tail: Array(reply.utf8).suffix(ReplyTimings.tailLength)) == timings)
        // Where the end of a stream is cut off, they are there all the same.
        let end = reply.utf8.count - Array("\n\ndata: [DONE]\n\n".utf8).count
        if reply.hasPrefix("data:") { #expect(ReplyTimings(tail: Array(reply.utf8).prefix(end)) == timings) }
    }

    @Test(arguments: [
        "", "{", #"{"choices":[]}"#, "data: [DONE]\n\n", #"{"timings":"#, #"{"timings":{}}"#,
        #"{"timings":{"prompt_n":1,"prompt_ms":1.5,"predicted_n":2}}"#,
        #"{"timings":{"prompt_n":"1","prompt_ms":1.5,"predicted_n":2,"predicted_ms":3}}"#,
        #"{"timings":{"prompt_n":null,"prompt_ms":1.5,"predicted_n":2,"predicted_ms":3}}"#,
        #"{"timings":{"prompt_n":-1,"prompt_ms":1.5,"predicted_n":2,"predicted_ms":3}}"#,
        #"{"timings":{"prompt_n":1e300,"prompt_ms":1.5,"predicted_n":2,"predicted_ms":3}}"#,
        #"{"timings":{"prompt_n":1,"prompt_ms":1.5,"predicted_n":2,"predicted_ms":3"#,
        // Somebody's words, and not the server's.
        #"{"content":"\"timings\":{\"prompt_n\":1,\"prompt_ms\":1,\"predicted_n\":2,\"predicted_ms\":3}"}"#,
    ])
    func `Where there are none, or not all of them, there are none`(reply: String) {
        #expect(ReplyTimings(tail: Array(reply.utf8)) == nil)
    }

    @Test func `The last ones count, spaces do not`() {
        let chunk =
            #"{"timings": {"cache_n": 2, "prompt_n": 1, "prompt_ms": 1.5e0, "predicted_n": 9, "predicted_ms": 3}}"#
        let reply = Self.whole + "\n" + chunk
        #expect(ReplyTimings(tail: Array(reply.utf8)) == Self.timings(1, 1.5, 9, 3, cached: 2))
    }

    @Test func `Without a word on the cache it had nothing`() {
        let reply = #"{"timings":{"prompt_n":1,"prompt_ms":1.5,"predicted_n":9,"predicted_ms":3}}"#
        #expect(ReplyTimings(tail: Array(reply.utf8)) == Self.timings(1, 1.5, 9, 3, cached: 0))
    }

    @Test(arguments: [
        "0", "7", "0.5", "6.064", "123456789012.5", "12345.678901234567", "0.29333333333333333", "3409.090909090909",
        "1e3", "2.5e-3", "999999999999",
    ])
    func `Numbers are what they say, to the last bit`(number: String) {
        for end in [",", " ,", "\n,"] {
            let reply = #"{"timings":{"prompt_n":1,"prompt_ms":\#(number)\#(end)"predicted_n":9,"predicted_ms":3}}"#
            #expect(ReplyTimings(tail: Array(reply.utf8))?.promptMilliseconds == Double(number))
        }
    }
}

extension ReplyTimings {
    fileprivate init?(tail: some Sequence<UInt8>) {
        guard let found = Array(tail).withUnsafeBufferPointer({ ReplyTimings(tail: $0) }) else { return nil }
        self = found
    }
}
