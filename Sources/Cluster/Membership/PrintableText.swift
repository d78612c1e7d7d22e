// Names, notes and reasons come from the network and end up in terminals and logs.

extension Unicode.Scalar {
    /// Whether it shows itself and nothing else: it steers no terminal (C0, DEL, C1), turns no text around (the marks of
    /// the bidirectional algorithm, UAX #9 section 2) and begins no line.
    package var isPrintable: Bool {
        switch value {
        case 0x61c, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069: false
        default:
            switch properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }
}

extension StringProtocol {
    /// What of the text may be shown to people.
    ///
    /// - Parameter limit: in Unicode scalars, for a single character can have any number of them.
    package func printable(_ limit: Int = 200) -> String {
        // Nearly all that comes, and of it no table of Unicode need be asked.
        if utf8.count <= limit, utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return String(self) }
        return String(String.UnicodeScalarView(unicodeScalars.lazy.filter(\.isPrintable).prefix(limit)))
    }
}
