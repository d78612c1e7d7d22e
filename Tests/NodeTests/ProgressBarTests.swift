import Node
import Testing

/// Lines of progress in the room that there is.
struct ProgressBarTests {
    private static let bar = ProgressBar(
        name: "plan-uncensored current", count: 6_500_000_000, total: 13_000_000_000, rate: 12_340_000)

    @Test(arguments: [
        (102, "plan-uncensored current  [############            ]   50%    6.5 GB of 13.0 GB   12.3 MB/s  9 min left"),
        (101, "plan-uncensored current  [########        ]   50%    6.5 GB of 13.0 GB   12.3 MB/s  9 min left"),
        (93, "plan-uncensored current  [#####     ]   50%    6.5 GB of 13.0 GB   12.3 MB/s  9 min left"),
        (87, "plan-uncensored current  [###   ]   50%    6.5 GB of 13.0 GB   12.3 MB/s  9 min left"),
        (83, "plan-uncen…d current  [###   ]   50%    6.5 GB of 13.0 GB   12.3 MB/s  9 min left"),
        (80, "plan-un…current  [#####     ]   50%    6.5 GB of 13.0 GB   12.3 MB/s  9 min left"),
        (63, "plan-u…rrent   50%    6.5 GB of 13.0 GB   12.3 MB/s  9 min left"),
        (60, "plan-u…rrent   50%    6.5 GB of 13.0 GB  9 min left"),
        (50, "plan-u…rrent   50%    6.5 GB"), (28, "plan-u…rrent   50%    6.5 GB"), (20, "plan-u…rrent   50%"),
        (12, "plan-u…rren…"), (1, "…"),
    ])
    func `a line is never wider than the terminal`(columns: Int, line: String) {
        #expect(Self.bar.line(columns: columns) == line)
        #expect(TerminalText.columns(of: line) <= columns)
    }

    @Test(arguments: [
        (ProgressBar(name: "a", count: nil, total: 9, rate: 0), "a  fetching"),
        (ProgressBar(name: "a", count: 0, total: nil, rate: 0), "a       0 B"),
        (ProgressBar(name: "a", count: 5000, total: 0, rate: 100), "a    5.0 kB     100 B/s"),
        (
            ProgressBar(name: "a", count: 1, total: 100, isEstimate: true, rate: 0),
            "a  [                        ]    1%       1 B of ~100 B"
        ),
        (
            ProgressBar(name: "a", count: 300, total: 200, rate: 7),
            "a  [########################]  100%     300 B of 200 B       7 B/s"
        ),
        (ProgressBar(name: "\u{1b}[2Ja\n", count: nil, total: nil, rate: 0), "[2Ja  fetching"),
    ])
    func `what is not known is left out`(bar: ProgressBar, line: String) { #expect(bar.line(columns: 79) == line) }

    @Test func `a line that stays has no bar`() {
        #expect(Self.bar.plain == "plan-uncensored current  50%  6.5 GB of 13.0 GB  12.3 MB/s  9 min left")
    }

    @Test(
        arguments: [
            ([(0, 0)], 0), ([(100, 0), (300, 2)], 100), ([(5, 0), (5, 9)], 0), ([(0, 0), (1000, 10), (1000, 40)], 0),
            ([(900, 0), (0, 1), (50, 2)], 50), ([(0, 0), (1, 0.1), (2, 0.2), (3, 0.3)], 10),
            // What arrived long ago is forgotten.
            ([(0, 0), (8000, 10), (8100, 20), (8200, 30), (8300, 40)], 10),
        ] as [([(Int64, Double)], Double)])
    func `a rate is of late`(samples: [(Int64, Double)], expected: Double) {
        var rate = TransferRate()
        for (count, at) in samples { rate.note(count, at: at) }
        #expect(abs(rate.bytesPerSecond - expected) < 1e-9)
    }

    @Test(arguments: [
        ("plan next", 9, "plan next"), ("plan next", 8, "plan…ext"), ("plan next", 2, "p…"), ("plan next", 0, ""),
        ("模型模型", 6, "模…型"), ("a\u{7}b", 2, "ab"),
    ])
    func `a name keeps its two ends`(name: String, columns: Int, shortened: String) {
        #expect(TerminalText.shortened(name, to: columns) == shortened)
        #expect(TerminalText.columns(of: shortened) <= columns)
    }

    @Test(arguments: [
        ("abc", 3, "abc"), ("abc", 2, "a…"), ("größe", 4, "grö…"), ("模型模型", 7, "模型模…"), ("模型", 3, "模…"), ("abc", 0, ""),
    ])
    func `a text is cut off where the room ends`(text: String, columns: Int, fitted: String) {
        #expect(TerminalText.fitted(text, to: columns) == fitted)
        #expect(TerminalText.columns(of: fitted) <= columns)
    }
}
