/// Sizes, rates and times for people.
package enum ByteCount {
    /// In powers of 1000, as disks and model cards have it: `2.5 GB`.
    package static func text(_ bytes: Int64) -> String {
        var value = Double(bytes)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 { return unit == "B" ? "\(bytes) B" : "\(oneDecimal(value)) \(unit)" }
            value /= 1000
        }
        return "\(oneDecimal(value)) TB"
    }

    /// `42 s`, `7 min`, `3.2 h`.
    package static func time(seconds: Double) -> String {
        switch seconds {
        case ..<100: "\(Int(seconds.rounded(.up))) s"
        case ..<6000: "\(Int((seconds / 60).rounded())) min"
        default: "\(oneDecimal(min(seconds / 3600, 999))) h"
        }
    }

    package static func oneDecimal(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
