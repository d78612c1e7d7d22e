import Foundation

/// What llama-swap reads of a JSON body: the first `model` and the first `stream` at the top level. The rest of the
/// body is not validated, as llama-swap does not.
package struct RequestFacts: Equatable, Sendable {
    /// Empty when there is none (or it is null).
    package var model = ""
    package var stream = false

    package init(body: some Sequence<UInt8>) {
        var scanner = Scanner(bytes: Array(body))
        var seen: Set<String> = []
        scanner.skip()
        guard scanner.take(UInt8(ascii: "{")) else { return }
        while true {
            scanner.skip()
            guard let key = scanner.string() else { return }
            scanner.skip()
            guard scanner.take(UInt8(ascii: ":")) else { return }
            scanner.skip()
            let value = scanner.value()
            if seen.insert(key).inserted {
                if key == "model" { model = value == "null" ? "" : Scanner.text(of: value) }
                if key == "stream" { stream = value == "true" }
            }
            scanner.skip()
            guard scanner.take(UInt8(ascii: ",")) else { return }
        }
    }

    private struct Scanner {
        let bytes: [UInt8]
        var at = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func skip() {
            while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            guard at < bytes.count, bytes[at] == byte else { return false }
            at += 1
            return true
        }

        /// A string, unescaped.
        mutating func string() -> String? {
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { return nil }
            return Self.text(of: value())
        }

        /// The bytes of one value, as written.
        mutating func value() -> String {
            let start = at
            var depth = 0
            var isInString = false
            scan: while at < bytes.count {
                let byte = bytes[at]
                if isInString {
                    if byte == UInt8(ascii: "\\") { at += 1 } else if byte == UInt8(ascii: "\"") { isInString = false }
                } else {
                    switch byte {
                    case UInt8(ascii: "\""): isInString = true
                    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                    case UInt8(ascii: "}") where depth == 0, UInt8(ascii: "]") where depth == 0: break scan
                    case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                    case UInt8(ascii: ",") where depth == 0, UInt8(ascii: ":") where depth == 0: break scan
                    default: break
                    }
                }
                at += 1
                if !isInString, depth == 0, [UInt8(ascii: "\""), UInt8(ascii: "}"), UInt8(ascii: "]")].contains(byte) {
                    break
                }
            }
            at = min(at, bytes.count)
            return String(decoding: bytes[start..<at], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }

        static func text(of value: String) -> String {
            guard value.hasPrefix("\"") else { return value }
            return (try? JSONDecoder().decode([String].self, from: Data("[\(value)]".utf8)))?.first ?? ""
        }
    }
}
