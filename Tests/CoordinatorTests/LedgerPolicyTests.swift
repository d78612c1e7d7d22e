import Coordinator
import Testing

/// The policy as a table: what happens in words, and the steps and remedies that it answers with.
struct LedgerPolicyTests {
    /// Seconds, what happens, what is to be answered.
    typealias Line = (at: Double, event: String, answer: String)

    private static let opened: [Line] = [
        (0, "step", "open"), (0, "opened", ""), (0, "step", "check"), (0, "checked", ""),
    ]

    static let stories: [(String, [Line])] = [
        (
            "a file that is sound is checked once, then written and trimmed",
            opened + [
                (0, "work", "write"), (0, "wrote", ""), (0, "step", "trim"), (0, "trimmed some", ""),
                (0, "step", "trim"),
                (0, "work", "write"), (0, "trimmed", ""), (1, "step", "rest"), (3599, "step", "rest"),
                (3600, "step", "trim"),
            ]
        ),
        ("a new file is not checked", [(0, "opened new", ""), (0, "work", "write")]),
        (
            "a full disk is tried again every ten seconds, and told once",
            opened + [
                (5, "full", "wait!"), (5, "work", "rest"), (14.9, "work", "rest"), (15, "work", "write"),
                (15, "full", "wait"), (24, "work", "rest"), (25, "work", "write"), (25, "wrote 3", "!3 rows"),
                (26, "work", "write"), (26, "wrote", ""), (27, "full", "wait!"),
            ]
        ),
        (
            "a file that cannot be opened is tried again, and told once",
            [
                (0, "step", "open"), (0, "unavailable", "close!"), (9, "work", "rest"), (10, "work", "open"),
                (10, "unavailable", "close"), (20, "work", "open"), (20, "full", "close"), (30, "step", "open"),
                (30, "opened new", ""), (30, "work", "write"), (30, "wrote", "!nothing was lost"), (31, "wrote", ""),
            ]
        ),
        (
            "a damaged file is set aside, and a new one opened at once",
            [
                (0, "step", "open"), (0, "damaged", "setAside"), (0, "step", "open"), (0, "opened new", ""),
                (0, "work", "write"), (0, "wrote", ""), (20, "damaged", "setAside"), (20, "step", "open"),
            ]
        ),
        (
            "a disk that damages one after the other gets one at a time",
            opened + [
                (1, "damaged", "setAside"), (1, "opened new", ""), (2, "damaged", "close!"), (2, "work", "rest"),
                (12, "work", "open"), (12, "damaged", "setAside"), (12, "opened new", ""), (12, "wrote 1", "!one row"),
            ]
        ),
        (
            "what a newer llmstack wrote is never touched again",
            [(0, "step", "open"), (0, "newer", "giveUp!"), (0, "work", "rest"), (1e9, "work", "rest")]
        ),
        (
            "a file that was taken away is begun anew at once",
            opened + [(1, "moved", "close!"), (1, "work", "open"), (1, "opened new", ""), (1, "wrote", "")]
        ),
        (
            "a row that SQLite refuses holds up nobody, and is told once",
            opened + [
                (1, "unwritable", "discard!"), (1, "work", "write"), (1, "unwritable", "discard"), (1, "wrote", ""),
            ]
        ),
        (
            "what there was no room for is told once an hour",
            opened + [(1, "wrote 7", "!7 rows"), (2, "wrote 2", ""), (3, "wrote", ""), (3601, "wrote 1", "!3 rows")]
        ),
    ]

    @Test("The file's fate decides what is done and said", arguments: stories)
    func story(_ name: String, _ lines: [Line]) {
        var policy = LedgerPolicy(.init(), path: "/s/state.db")
        for line in lines {
            let answer = Self.tell(&policy, line.event, at: line.at)
            #expect(answer == line.answer, "\(name): \(line.event) at \(line.at)")
        }
    }

    private static func tell(_ policy: inout LedgerPolicy, _ event: String, at now: Double) -> String {
        let words = event.split(separator: " ")
        func failed(_ fault: LedgerPolicy.Fault) -> String {
            let (remedy, says) = policy.failed(fault, at: now)
            if let says { #expect(says.contains("/s/state.db")) }
            return "\(remedy)".prefix { $0 != "(" } + (says == nil ? "" : "!")
        }
        switch words[0] {
        case "step": return "\(policy.step(at: now, hasWork: false))"
        case "work": return "\(policy.step(at: now, hasWork: true))"
        case "opened": policy.opened(isNew: words.last == "new")
        case "checked": policy.checked()
        case "trimmed": policy.trimmed(isDone: words.count == 1, at: now)
        case "wrote":
            guard let says = policy.wrote(dropped: words.count > 1 ? Int(words[1]) ?? 0 : 0, at: now) else { return "" }
            for piece in ["3 rows", "7 rows", "one row", "nothing was lost"] where says.contains(piece) {
                return "!" + piece
            }
            return says
        case "full": return failed(.full)
        case "newer": return failed(.newer)
        case "moved": return failed(.moved)
        case "damaged": return failed(.damaged("bits"))
        case "unavailable": return failed(.unavailable("no"))
        case "unwritable": return failed(.unwritable("no"))
        default: return "?"
        }
        return ""
    }

    @Test(
        "What is said of a file that cannot be used names it, and what to do",
        arguments: [
            (LedgerPolicy.Fault.full, "there is no space left", "free some space"),
            (.newer, "a newer llmstack wrote it", "update llmstack"),
            (.unavailable("Permission denied"), "Permission denied", "this user's"),
        ])
    func words(_ fault: LedgerPolicy.Fault, _ problem: String, _ fix: String) {
        var policy = LedgerPolicy(.init(), path: "/s/state.db")
        let lines = policy.failed(fault, at: 0).says?.split(separator: "\n") ?? []
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("the ledger /s/state.db cannot be used: ") == true)
        #expect(lines.first?.contains(problem) == true)
        #expect(lines.last?.hasPrefix("  fix: ") == true)
        #expect(lines.last?.contains(fix) == true)
        #expect(lines.last?.contains("tried again every 10 s") == (fault != .newer))
    }
}
