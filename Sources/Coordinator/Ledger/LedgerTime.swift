/// Times as the ledger writes them: ISO 8601 in UTC with milliseconds, `2026-11-24T14:02:11.250Z`. They sort as text.
package enum LedgerTime {
    /// Seconds since 1970 of the years 1 to 9999: what four digits can say.
    private static let range = -62_135_596_800.0...253_402_300_799.0

    /// - Parameter seconds: since 1970; what is no number is 1970.
    package static func text(_ seconds: Double) -> String {
        let sane = seconds.isFinite ? min(max(seconds, range.lowerBound), range.upperBound) : 0
        let milliseconds = Int((sane * 1000).rounded())
        let (days, inDay) = divide(milliseconds, 86_400_000)
        let (year, month, day) = date(days)
        let second = inDay / 1000
        return pad(year, 4) + "-" + pad(month, 2) + "-" + pad(day, 2) + "T" + pad(second / 3600, 2) + ":"
            + pad(second / 60 % 60, 2) + ":" + pad(second % 60, 2) + "." + pad(inDay % 1000, 3) + "Z"
    }

    /// Reads ``text(_:)``.
    ///
    /// - Returns: seconds since 1970; nil for anything else.
    package static func seconds(_ text: String) -> Double? {
        let parts = text.utf8.split(omittingEmptySubsequences: false) { !(48...57).contains($0) }
        let shape = text.utf8.map { (48...57).contains($0) ? 48 : $0 }
        guard shape == Array("0000-00-00T00:00:00.000Z".utf8) else { return nil }
        let numbers = parts.prefix(7).map { $0.reduce(0) { $0 * 10 + Int($1) - 48 } }
        guard (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), numbers[3] < 24, numbers[4] < 60,
            numbers[5] < 60
        else { return nil }
        let second = numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        let days = days(numbers[0], numbers[1], numbers[2])
        return Double((days * 86400 + second) * 1000 + numbers[6]) / 1000
    }

    // Howard Hinnant's days_from_civil and civil_from_days: years begin in March, so that a leap day is a year's last.

    private static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, inEra) = divide(days + 719_468, 146_097)
        let yearOfEra = (inEra - inEra / 1460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * inYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, inYear - (153 * march + 2) / 5 + 1)
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let (era, yearOfEra) = divide(month <= 2 ? year - 1 : year, 400)
        let inYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + inYear - 719_468
    }

    /// With a remainder that is never negative.
    private static func divide(_ value: Int, _ by: Int) -> (Int, Int) {
        let remainder = (value % by + by) % by
        return ((value - remainder) / by, remainder)
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
