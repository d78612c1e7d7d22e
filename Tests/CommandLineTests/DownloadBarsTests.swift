import Foundation
import Testing

/// `llmstack download --wait` in front of a person, and in a pipe.
struct DownloadBarsTests {
    /// Fetches half a file, and goes on once the terminal has been drawn on. `bad.gguf` is not to be had.
    private static let completion = """
        part="$LLAMA_CACHE/o_${2#o/}_$4.downloadInProgress"
        mkdir -p "$LLAMA_CACHE"
        printf 12345 >"$part"
        sleep 2
        [ "$4" = bad.gguf ] && { echo "not found" >&2; exit 3; }
        printf 67890 >>"$part"
        mv "$part" "${part%.downloadInProgress}"
        """
    /// Of a repository of its own: a download of the same file by another test would be taken for this one's.
    private let repository = UUID().uuidString
    private var models: String {
        """
        [fast]
        hf_repo = o/\(repository)
        hf_file = a.gguf
        size_gb = 0.00000001
        [same]
        hf_repo = o/\(repository)
        hf_file = a.gguf
        [plan]
        hf_repo = o/\(repository)
        hf_file = bad.gguf
        """
    }

    private func terminal() throws -> (Terminal, environment: [String: String]) {
        let terminal = try Terminal()
        try terminal.write(models, to: ".llmstack/models.ini")
        try terminal.place("llama-completion", script: Self.completion)
        return (
            terminal,
            [
                "PATH": "\(terminal.binaries.path):/usr/bin:/bin", "LLAMA_CACHE": "\(terminal.home.path)/cache",
                "HF_ENDPOINT": "http://127.0.0.1:1", "TERM": "xterm",
            ]
        )
    }

    @Test func aTerminalHasABarPerFileRedrawnInPlace() throws {
        let (terminal, environment) = try terminal()
        let process = terminal.process(["download", "--wait"], environment: environment)
        let shown = try PseudoTerminal.run(process, typing: "")
        #expect(process.terminationStatus == 1)
        // How long the bar is depends on whether a rate is known yet.
        let bars = shown.matches(of: /fast current +\[#+ +\] +50% +5 B of ~10 B/)
        #expect(bars.count > 1, "\(shown)")
        // Two files of three tiers: the second bar is one row below the first.
        #expect(shown.contains("\u{1b}[1A"))
        #expect(!shown.contains("\u{1b}[2A"))
        var screen = Screen()
        screen.show(shown)
        let text = screen.lines.joined(separator: "\n")
        #expect(!text.contains("["), "\(text)")
        #expect(screen.lines.filter { $0 == "fast current: done (10 B)" }.count == 1, "\(text)")
        let log = "\(terminal.state.path)/logs/dl-plan-current.log"
        #expect(
            screen.lines.filter { $0.hasPrefix("plan current: failed, exit code 3; its log: ") }.count == 1, "\(text)")
        #expect(text.contains("next: read \(log)"), "\(text)")
        #expect(screen.highest <= 12, "\(text)")
    }

    @Test(arguments: [true, false]) func whereNothingCanBeDrawnThereAreFewLines(_ isDumb: Bool) throws {
        var (terminal, environment) = try terminal()
        if isDumb { environment["TERM"] = "dumb" }
        let process = terminal.process(["download", "--wait"], environment: environment)
        let shown =
            try isDumb
            ? PseudoTerminal.run(process, typing: "")
            : terminal.run(["download", "--wait"], environment: environment).output
        #expect(!shown.contains("\u{1b}"))
        let lines = shown.split(whereSeparator: \.isNewline)
        #expect(
            lines.contains("fast current  50%  5 B of ~10 B")
                || lines.contains("fast current  0%  0 B of ~10 B"))
        #expect(lines.contains("fast current: done (10 B)"))
        #expect(lines.count < 15, "\(shown)")
    }

    @Test func anInterruptLeavesTheDownloadsRunningAndTheirBars() throws {
        let (terminal, environment) = try terminal()
        let process = terminal.process(["download", "--wait"], environment: environment)
        let watcher = Thread {
            let part = "\(terminal.home.path)/cache/o_\(repository)_a.gguf.downloadInProgress"
            while !FileManager.default.fileExists(atPath: part) { usleep(10_000) }
            usleep(300_000)
            process.interrupt()
        }
        watcher.start()
        let shown = try PseudoTerminal.run(process, typing: "")
        #expect(process.terminationStatus == 1)
        var screen = Screen()
        screen.show(shown)
        #expect(screen.lines.last == "the downloads go on; llmstack download --wait watches them again", "\(shown)")
        #expect(screen.lines.dropLast().last?.hasPrefix("plan current") == true, "\(shown)")
        let whole = "\(terminal.home.path)/cache/o_\(repository)_a.gguf"
        let end = ContinuousClock.now + .seconds(10)
        while !FileManager.default.fileExists(atPath: whole), .now < end { usleep(10_000) }
        #expect(FileManager.default.contents(atPath: whole) == Data("1234567890".utf8))
    }
}
