import Foundation

/// The shape of a model's attention, from the metadata at the head of its GGUF file
/// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
package struct GGUFHeader: Equatable, Sendable {
    /// Elements of the K cache and of the V cache that one token takes, over all layers.
    package var keyElements: Double
    package var valueElements: Double

    package init(keyElements: Double, valueElements: Double) {
        self.keyElements = keyElements
        self.valueElements = valueElements
    }

    /// Reads a file's head: the shape stands before the vocabulary, which is what takes up megabytes.
    ///
    /// - Returns: nil when it is no GGUF file, or says too little.
    package static func read(_ path: String) -> GGUFHeader? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let bytes = try? file.read(upToCount: 1 << 20) else { return nil }
        return GGUFHeader(bytes: [UInt8](bytes))
    }

    /// - Parameter bytes: the beginning of the file, as much as there is.
    package init?(bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        guard reader.take(4) == Array("GGUF".utf8)[...], let version = reader.integer(4), version >= 2,
            reader.integer(8) != nil, let count = reader.integer(8)
        else { return nil }
        var architecture = ""
        var values: [String: [Double]] = [:]
        for _ in 0..<min(count, 4096) {
            guard let key = reader.string(), let type = reader.integer(4), let value = reader.value(type) else { break }
            switch value {
            case .text(let text): if key == "general.architecture" { architecture = text }
            case .numbers(let numbers): values[key] = numbers
            case .other: break
            }
        }
        func numbers(_ name: String) -> [Double]? { values["\(architecture).\(name)"] }
        func number(_ name: String) -> Double? { numbers(name)?.first }
        guard let layers = number("block_count"), layers > 0, layers < 10000,
            let heads = number("attention.head_count"),
            heads > 0
        else { return nil }
        let perHead = number("embedding_length").map { $0 / heads }
        guard let key = number("attention.key_length") ?? perHead,
            let value = number("attention.value_length") ?? perHead
        else { return nil }
        // One number for all layers, or one a layer; of a hybrid model only each nth layer has a cache that grows.
        let kvHeads = numbers("attention.head_count_kv") ?? [heads]
        guard let first = kvHeads.first else { return nil }
        let interval = max(1, number("full_attention_interval") ?? 1)
        let total = kvHeads.count > 1 ? kvHeads.reduce(0, +) : first * (layers / interval).rounded(.down)
        keyElements = total * key
        valueElements = total * value
    }

    private enum Value {
        case text(String)
        case numbers([Double])
        case other
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count >= 0, count <= bytes.count - position else { return nil }
            defer { position += count }
            return bytes[position..<position + count]
        }

        mutating func integer(_ width: Int) -> Int? {
            take(width).flatMap { Int(exactly: $0.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) }
        }

        mutating func string() -> String? {
            integer(8).flatMap { take($0) }.map { String(decoding: $0, as: UTF8.self) }
        }

        /// Widths of the scalar types by their number; 8 is text, 9 an array.
        private static let widths = [0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8]

        mutating func value(_ type: Int) -> Value? {
            switch type {
            case 8: return string().map { .text($0) }
            case 9:
                guard let inner = integer(4), let count = integer(8), count >= 0 else { return nil }
                if inner == 8 {
                    for _ in 0..<count where string() == nil { return nil }
                    return .other
                }
                guard let width = Self.widths[inner], count <= bytes.count / width else { return nil }
                guard count <= 4096 else { return take(count * width) == nil ? nil : .other }
                var numbers: [Double] = []
                for _ in 0..<count {
                    guard let number = number(inner) else { return nil }
                    numbers.append(number)
                }
                return .numbers(numbers)
            default: return number(type).map { .numbers([$0]) }
            }
        }

        private mutating func number(_ type: Int) -> Double? {
            guard let width = Self.widths[type], let raw = take(width) else { return nil }
            let bits = raw.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            switch type {
            case 6: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
            case 12: return Double(bitPattern: bits)
            default: return Double(bits)
            }
        }
    }
}
