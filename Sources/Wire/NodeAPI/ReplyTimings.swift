/// The `timings` that llama-server puts at the end of a reply: in a stream, in the last event that has JSON.
package struct ReplyTimings: Equatable, Sendable {
    /// Prompt tokens that were worked through; those of the cache are not among them.
    package var promptTokens: Int
    package var promptMilliseconds: Double
    package var decodedTokens: Int
    package var decodeMilliseconds: Double
    /// Prompt tokens that the cache had.
    package var cachedTokens: Int

    package init(
        promptTokens: Int, promptMilliseconds: Double, decodedTokens: Int, decodeMilliseconds: Double, cachedTokens: Int
    ) {
        self.promptTokens = promptTokens
        self.promptMilliseconds = promptMilliseconds
        self.decodedTokens = decodedTokens
        self.decodeMilliseconds = decodeMilliseconds
        self.cachedTokens = cachedTokens
    }

    /// Bytes at the end of a reply among which the timings are.
    package static let tailLength = 4096

    /// Finds them in the end of a reply.
    ///
    /// - Parameter tail: the last ``tailLength`` bytes or fewer.
    /// - Returns: nil when there are none, or one of the numbers is missing or no number.
    package init?(tail: some BidirectionalCollection<UInt8>) {
        let tail = Array(tail)
        guard let start = Self.lastIndex(of: Array("\"timings\":".utf8), in: tail) else { return nil }
        let opened = tail[start...].drop { $0 != UInt8(ascii: "{") }
        guard let end = opened.firstIndex(of: UInt8(ascii: "}")) else { return nil }
        let object = Array(opened[..<end])
        func number(_ name: String) -> Double? {
            let key = Array("\"\(name)\":".utf8)
            guard let at = Self.lastIndex(of: key, in: object) else { return nil }
            let digits = object[(at + key.count)...].drop { $0 == UInt8(ascii: " ") }.prefix {
                (0x30...0x39).contains($0)
                    || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "e"), UInt8(ascii: "+")]
                        .contains($0)
            }
            guard let value = Double(String(decoding: digits, as: UTF8.self)), value >= 0, value < 1e12 else {
                return nil
            }
            return value
        }
        guard let promptTokens = number("prompt_n"), let promptMilliseconds = number("prompt_ms"),
            let decodedTokens = number("predicted_n"), let decodeMilliseconds = number("predicted_ms")
        else { return nil }
        self.init(
            promptTokens: Int(promptTokens), promptMilliseconds: promptMilliseconds, decodedTokens: Int(decodedTokens),
            decodeMilliseconds: decodeMilliseconds, cachedTokens: Int(number("cache_n") ?? 0))
    }

    private static func lastIndex(of key: [UInt8], in bytes: [UInt8]) -> Int? {
        guard let first = key.first, bytes.count >= key.count else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            key.withUnsafeBufferPointer { key in
                var index = bytes.count - key.count
                while index >= 0 {
                    if bytes[index] == first {
                        var matched = 1
                        while matched < key.count, bytes[index + matched] == key[matched] { matched += 1 }
                        if matched == key.count { return index }
                    }
                    index -= 1
                }
                return nil
            }
        }
    }
}
