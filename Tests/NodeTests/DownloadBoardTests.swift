import Node
import Testing

/// Several downloads at once, as a terminal and as a log show them.
struct DownloadBoardTests {
    private static let gigabyte: Int64 = 1_000_000_000
    private static let wide = TerminalSize(columns: 120, rows: 24)

    private func board(_ names: String...) -> DownloadBoard {
        var board = DownloadBoard(names)
        for index in names.indices {
            board.note(index, count: Self.gigabyte, total: 4 * Self.gigabyte, isEstimate: false, at: 0)
        }
        return board
    }

    @Test func `every file has a bar of its own, below one another, until it is over`() {
        var board = board("fast current", "plan next", "x current")
        board.note(1, count: 2 * Self.gigabyte, total: 4 * Self.gigabyte, isEstimate: true, at: 10)
        board.arrived(2)
        #expect(
            board.bars(on: Self.wide) == [
                "fast current  [######                  ]   25%    1.0 GB of 4.0 GB",
                "plan next     [############            ]   50%    2.0 GB of ~4.0 GB  100.0 MB/s  20 s left",
                "x current     is here; llama.cpp tries it",
            ])
        #expect(board.done(0, bytes: 4 * Self.gigabyte) == "fast current: done (4.0 GB)")
        #expect(board.failed(1, .exited(3), log: "/p/dl.log") == "plan next: failed, exit code 3; its log: /p/dl.log")
        #expect(board.bars(on: Self.wide) == ["x current  is here; llama.cpp tries it"])
        #expect(board.done(2, bytes: nil) == "x current: done")
        #expect(board.bars(on: Self.wide).isEmpty)
    }

    @Test func `the columns stand below one another where there is little room too`() {
        var board = board("code-fast current", "code-fast next", "plan next")
        board.note(1, count: 2 * Self.gigabyte, total: 4 * Self.gigabyte, isEstimate: false, at: 10)
        board.arrived(2)
        #expect(
            board.bars(on: TerminalSize(columns: 61, rows: 24)) == [
                "code-f…rrent   25%    1.0 GB of 4.0 GB",
                "code-f… next   50%    2.0 GB of 4.0 GB  20 s left",
                "plan next     is here; llama.cpp tries it",
            ])
    }

    @Test(arguments: [1, 2, 20, 40, 80, 200])
    func `the bars fit whatever the terminal is`(columns: Int) {
        let board = board("fast current", "a tier of a rather long name next", "x current", "größer 模型 current")
        for rows in [1, 2, 3, 24] {
            let lines = board.bars(on: TerminalSize(columns: columns, rows: rows))
            #expect(lines.count <= max(1, rows - 1))
            for line in lines { #expect(TerminalText.columns(of: line) <= max(1, columns - 1), "\(line)") }
        }
        #expect(board.bars(on: TerminalSize(columns: 80, rows: 4)).last == "and 2 more")
    }

    @Test func `a log has a line at each tenth, and one after minutes`() {
        var board = DownloadBoard(["a", "b"])
        var told: [Double: [String]] = [:]
        for second in stride(from: 0.0, through: 1000, by: 0.5) {
            let count = Int64(min(second, 400) * 1_000_000)
            board.note(0, count: count, total: 400_000_000, isEstimate: false, at: second)
            board.note(1, count: 7, total: nil, isEstimate: false, at: second)
            let lines = board.news(at: second)
            if !lines.isEmpty { told[second] = lines }
        }
        let tenths = stride(from: 0.0, through: 400, by: 40)
        #expect(
            told.keys.sorted() == (Array(tenths) + [300, 600, 700, 900, 1000].filter { !tenths.contains($0) }).sorted())
        #expect(told[0] == ["a  0%  0 B of 400.0 MB", "b  7 B"])
        #expect(told[40] == ["a  10%  40.0 MB of 400.0 MB  1.0 MB/s  6 min left"])
        #expect(told[300] == ["b  7 B"])
        #expect(told[700] == ["a  100%  400.0 MB of 400.0 MB"])
    }

    @Test func `a fast download does not fill a log`() {
        var board = DownloadBoard(["a"])
        var lines = 0
        for tick in 0...50 {
            board.note(0, count: Int64(tick * 2), total: 100, isEstimate: false, at: Double(tick) / 5)
            lines += board.news(at: Double(tick) / 5).count
        }
        #expect(lines == 3)
    }

    @Test func `several lines are drawn in place, and leave the cursor at the first`() {
        #expect(TerminalText.block(["a", "b", "c"]) == "\ra\u{1b}[K\nb\u{1b}[K\nc\u{1b}[K\u{1b}[J\r\u{1b}[2A")
        #expect(TerminalText.block(["a"]) == "\r\u{1b}[Ja")
        #expect(TerminalText.block([]) == TerminalText.clearing)
    }
}
