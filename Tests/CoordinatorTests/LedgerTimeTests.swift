import Coordinator
import Testing

struct LedgerTimeTests {
    @Test(
        "A time is written in UTC, and read again",
        arguments: [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (-0.001, "1969-12-31T23:59:59.999Z"),
            (951_782_399.5, "2000-02-28T23:59:59.500Z"),
            (951_782_400.0, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199.999, "2024-02-29T23:59:59.999Z"),
            (1_764_000_131.25, "2025-11-24T16:02:11.250Z"),
            (4_107_542_400.0, "2100-03-01T00:00:00.000Z"),
            (-2_203_891_200.0, "1900-03-01T00:00:00.000Z"),
            (253_402_300_799.0, "9999-12-31T23:59:59.000Z"),
            (-62_135_596_800.0, "0001-01-01T00:00:00.000Z"),
        ])
    func both(_ seconds: Double, _ text: String) {
        #expect(LedgerTime.text(seconds) == text)
        #expect(LedgerTime.seconds(text) == seconds)
    }

    @Test(
        "What no calendar has becomes the nearest that it has",
        arguments: [
            (Double.infinity, "1970-01-01T00:00:00.000Z"), (Double.nan, "1970-01-01T00:00:00.000Z"),
            (1e300, "9999-12-31T23:59:59.000Z"), (-1e300, "0001-01-01T00:00:00.000Z"),
            (0.9999, "1970-01-01T00:00:01.000Z"),
        ])
    func extremes(_ seconds: Double, _ text: String) { #expect(LedgerTime.text(seconds) == text) }

    @Test(
        "What is no time of the ledger is none",
        arguments: [
            "", "now", "2026-11-24", "2026-11-24 14:02:11.250Z", "2026-11-24T14:02:11Z", "2026-13-24T14:02:11.250Z",
            "2026-11-00T14:02:11.250Z", "2026-11-24T24:02:11.250Z", "2026-11-24T14:60:11.250Z",
            "2026-11-24T14:02:60.250Z", "2026-11-24T14:02:11.250Z ", "٢٠٢٦-11-24T14:02:11.250Z",
        ])
    func refused(_ text: String) { #expect(LedgerTime.seconds(text) == nil) }

    @Test("Every day of four centuries is read as it is written")
    func days() {
        for day in 0..<146_097 {
            let seconds = Double(day) * 86400 - 1e9
            guard LedgerTime.seconds(LedgerTime.text(seconds)) == seconds else {
                Issue.record("day \(day) is written \(LedgerTime.text(seconds))")
                return
            }
        }
    }
}
