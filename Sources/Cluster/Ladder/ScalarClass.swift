/// What the ladder's patterns can tell apart in a character, as Python's `re` does on `str`: `\s`, `\w`, and letters
/// that equal an ASCII one when case is ignored.
extension Unicode.Scalar {
    /// `\s`: Unicode white space and the four ASCII separators U+001C to U+001F.
    package var isSpace: Bool {
        if value < 0x80 { return value == 0x20 || (9...13).contains(value) || (0x1C...0x1F).contains(value) }
        return properties.isWhitespace
    }

    /// `\w`: any letter, digit or other number, or `_`. Combining marks are none of these.
    package var isWord: Bool {
        if value < 0x80 {
            return (0x30...0x39).contains(value) || (0x41...0x5A).contains(value) || (0x61...0x7A).contains(value)
                || value == 0x5F
        }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber:
            return true
        default: return properties.numericType != nil
        }
    }

    /// The scalar that stands for all its case variants: `S` and `ſ` are `s`, `K` (Kelvin) is `k`, `ı` and `İ` are `i`.
    package var caseFolded: Unicode.Scalar {
        switch value {
        case 0x41...0x5A: return Unicode.Scalar(UInt8(value) | 0x20)
        case 0..<0x80: return self
        case 0x17F: return "s"
        case 0x212A: return "k"
        case 0x130, 0x131: return "i"
        default:
            let lower = properties.lowercaseMapping.unicodeScalars
            return lower.count == 1 ? lower.first ?? self : self
        }
    }
}
