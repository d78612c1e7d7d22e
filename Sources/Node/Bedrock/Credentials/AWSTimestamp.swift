package import Foundation

/// Moments as AWS's services and caches write them.
package enum AWSTimestamp {
    /// Reads ISO 8601: `2026-01-31T12:00:00Z`, with fractions or an offset, and `UTC` for `Z` as older caches have it.
    ///
    /// - Returns: nil for what is none.
    package static func parse(_ text: String) -> Date? {
        let text = text.trimmed
        guard let separator = text.firstIndex(where: { $0 == "T" || $0 == " " }) else { return nil }
        let day = text[..<separator].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        let after = text[text.index(after: separator)...]
        let clockEnd = after.firstIndex { !$0.isNumber && $0 != ":" && $0 != "." } ?? after.endIndex
        let clock = after[..<clockEnd].split(separator: ":").map { Double($0) }
        guard day.count == 3, let year = day[0], let month = day[1], let date = day[2], clock.count >= 2,
            let hour = clock[0], let minute = clock[1], let second = clock.count > 2 ? clock[2] : 0,
            (1...12).contains(month), (1...31).contains(date), (0...9999).contains(year),
            let offset = offset(after[clockEnd...])
        else { return nil }
        let seconds = Double(days(year, month, date)) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Date(timeIntervalSince1970: seconds)
    }

    /// `2026-01-31T12:00:00Z`.
    package static func text(_ date: Date) -> String {
        let stamp = Array(SigningDate(date).stamp)
        return String(stamp[0..<4]) + "-" + String(stamp[4..<6]) + "-" + String(stamp[6..<8]) + "T"
            + String(stamp[9..<11]) + ":" + String(stamp[11..<13]) + ":" + String(stamp[13..<15]) + "Z"
    }

    /// Seconds east of Greenwich.
    private static func offset(_ text: Substring) -> Double? {
        if ["", "Z", "UTC"].contains(text.trimmed) { return 0 }
        let digits = text.filter(\.isNumber)
        guard let sign = text.first, sign == "+" || sign == "-", [2, 4].contains(digits.count),
            let hours = Double(digits.prefix(2)), let minutes = digits.count == 4 ? Double(digits.suffix(2)) : 0
        else { return nil }
        return (hours * 3600 + minutes * 60) * (sign == "-" ? -1 : 1)
    }

    /// Days since 1970-01-01 (https://howardhinnant.github.io/date_algorithms.html#days_from_civil).
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
