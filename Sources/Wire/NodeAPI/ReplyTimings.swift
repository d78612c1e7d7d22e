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
    package init?(tail: UnsafeBufferPointer<UInt8>) {
        guard let found = Self.find(tail) else { return nil }
        self = found
    }

    private static func find(_ tail: UnsafeBufferPointer<UInt8>) -> ReplyTimings? {
        guard let start = lastIndex(of: "\"timings\":", in: tail) else { return nil }
        let opened = UnsafeBufferPointer(rebasing: tail[start...].drop { $0 != UInt8(ascii: "{") })
        guard let end = opened.firstIndex(of: UInt8(ascii: "}")) else { return nil }
        return read(UnsafeBufferPointer(rebasing: opened[..<end]))
    }

    /// - Parameter object: of numbers by their names, without the brace that ends it.
    private static func read(_ object: UnsafeBufferPointer<UInt8>) -> ReplyTimings? {
        let quote = UInt8(ascii: "\"")
        var (promptTokens, promptMilliseconds, decodedTokens, decodeMilliseconds, cachedTokens) =
            (Double?.none, Double?.none, Double?.none, Double?.none, Double?.none)
        var index = 0
        while let start = object[index...].firstIndex(of: quote).map({ $0 + 1 }),
            let end = object[start...].firstIndex(of: quote)
        {
            index = end + 1
            guard index < object.count, object[index] == UInt8(ascii: ":") else { continue }
            let name = UnsafeBufferPointer(rebasing: object[start..<end])
            let value = object[(index + 1)...]
            // Most names have a length of their own; those that are of no interest are not read.
            switch name.count {
            case 7 where isSame(name, "cache_n"): cachedTokens = number(value)
            case 8 where isSame(name, "prompt_n"): promptTokens = number(value)
            case 9 where isSame(name, "prompt_ms"): promptMilliseconds = number(value)
            case 11 where isSame(name, "predicted_n"): decodedTokens = number(value)
            case 12 where isSame(name, "predicted_ms"): decodeMilliseconds = number(value)
            default: break
            }
        }
        guard let promptTokens, let promptMilliseconds, let decodedTokens, let decodeMilliseconds else { return nil }
        return ReplyTimings(
            promptTokens: Int(promptTokens), promptMilliseconds: promptMilliseconds, decodedTokens: Int(decodedTokens),
            decodeMilliseconds: decodeMilliseconds, cachedTokens: Int(cachedTokens ?? 0))
    }

    private static func isSame(_ name: UnsafeBufferPointer<UInt8>, _ other: StaticString) -> Bool {
        for index in name.indices where name[index] != other.utf8Start[index] { return false }
        return true
    }

    private static func number(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> Double? {
        let text = value.drop { $0 == UInt8(ascii: " ") }
        // Nearly all that comes: digits, perhaps a point. Fewer than 16 are exact in a Double.
        var (digits, decimals, isAfterPoint) = (UInt64(0), -1, false)
        var index = text.startIndex
        while index < text.endIndex, index - text.startIndex < 16 {
            let byte = text[index]
            if byte >= 0x30, byte <= 0x39 {
                digits = digits * 10 + UInt64(byte - 0x30)
            } else if byte == UInt8(ascii: "."), !isAfterPoint, index > text.startIndex {
                isAfterPoint = true
            } else {
                break
            }
            if isAfterPoint { decimals += 1 }
            index += 1
        }
        guard index < text.endIndex, ends.contains(text[index]), index > text.startIndex, decimals != 0 else {
            return slowly(text)
        }
        let value = Double(digits) / (decimals > 0 ? powers[decimals] : 1)
        return value < 1e12 ? value : nil
    }

    /// What may stand after a number; nothing may where the object ends, for its brace is cut off.
    private static let ends: [UInt8] = [0x2C, 0x20, 0x0A, 0x0D]
    private static let powers: [Double] = [
        1, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    private static func slowly(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Double? {
        let digits = text.prefix {
            (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "+")
        }
        guard let value = Double(String(decoding: digits, as: UTF8.self)), value >= 0, value < 1e12 else { return nil }
        return value
    }

    private static func lastIndex(of key: StaticString, in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        let key = UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        guard let first = key.first, bytes.count >= key.count else { return nil }
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
