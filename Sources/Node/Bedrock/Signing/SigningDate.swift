package import Foundation

/// The moment of a signature as AWS writes it: UTC, to the second.
package struct SigningDate: Equatable, Sendable {
    /// `yyyyMMdd'T'HHmmss'Z'`, of the header x-amz-date.
    package let stamp: String
    /// `yyyyMMdd`, of the credential's scope.
    package var day: String { String(stamp.prefix(8)) }

    package init(_ date: Date) {
        // Of the years 1 to 9999: a service may say anything.
        let seconds = Int(min(max(date.timeIntervalSince1970.rounded(.down), -62_135_596_800), 253_402_300_799))
        // Rounded down, so that moments before 1970 are right as well.
        let dayNumber = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let second = seconds - dayNumber * 86_400
        let (year, month, day) = Self.civil(dayNumber)
        stamp =
            Self.padded(year, 4) + Self.padded(month, 2) + Self.padded(day, 2) + "T"
            + Self.padded(second / 3600, 2) + Self.padded(second / 60 % 60, 2) + Self.padded(second % 60, 2) + "Z"
    }

    /// The Gregorian date of a day counted from 1970-01-01, in eras of 400 years that begin on a 1st of March
    /// (https://howardhinnant.github.io/date_algorithms.html#civil_from_days).
    private static func civil(_ dayNumber: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = dayNumber + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
