/// Names of services: what people read, and how DNS writes it.
package enum ServiceName {
    /// Bytes of a DNS label.
    package static let longest = 63

    /// The text cut to what fits into a label, on a boundary of characters. Empty or blank ones become `llmstack`.
    package static func fitting(_ text: String, within limit: Int = longest) -> String {
        var kept = text
        while kept.utf8.count > limit { kept.removeLast() }
        return kept.allSatisfy(\.isWhitespace) ? "llmstack" : kept
    }

    /// The name to try when another host has that one: `studio`, `studio #2`, `studio #3`.
    package static func alternative(to name: String) -> String {
        var stem = name
        var number = 2
        if let sign = name.range(of: " #"), let found = Int(name[sign.upperBound...]), (2..<10_000).contains(found) {
            stem = String(name[..<sign.lowerBound])
            number = found + 1
        }
        let suffix = " #\(number)"
        return fitting(stem, within: longest - suffix.utf8.count) + suffix
    }

    /// The instance's full name, `My\032Mac._llmstack._tcp.local`: in the label, dots and backslashes are escaped and
    /// whatever is not a letter, digit, `-` or `_` is written as its decimal byte.
    package static func full(_ instance: String, type: String, domain: String) -> String {
        var label = ""
        for byte in instance.utf8 {
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "\\"):
                label += "\\\(Character(Unicode.Scalar(byte)))"
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                label.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte)
                label += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
            }
        }
        return "\(label).\(type).\(trimmed(domain))"
    }

    /// Without the root's dot.
    package static func trimmed(_ domain: String) -> String {
        domain.hasSuffix(".") && !domain.hasSuffix("\\.") ? String(domain.dropLast()) : domain
    }
}

extension String {
    /// Where a piece of text first occurs.
    fileprivate func range(of piece: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(piece) { return start..<index(start, offsetBy: piece.count) }
            start = index(after: start)
        }
        return nil
    }
}
