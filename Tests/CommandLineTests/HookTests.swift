import Foundation
import Testing

/// The prompt hook in real shells on a terminal. Names of directories are data there, whatever they are.
struct HookTests {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    private static let names = [
        "plain", "sp ace", "q'uote", "d\"quote", "$(touch PWNED)", "`touch PWNED`", "$HOME", "${PATH}",
        "per%cent %n %~", "back\\slash \\w \\$",
        "!history !!", "semi;touch PWNED;", "amp&&touch PWNED", "*?[a]", "~", "-n", "new\nline", "tab\tulator",
        "ünïcödé 漢字", "esc\u{1B}[31m",
        "#hash", "a|touch PWNED", "<in >PWNED", "((1+1))",
    ]

    static let cases = ["bash", "zsh"].flatMap { shell in names.map { (shell, $0) } }

    private static func path(of shell: String) throws -> String {
        guard let path = ["/bin/\(shell)", "/usr/bin/\(shell)"].first(where: FileManager.default.isExecutableFile)
        else {
            throw Missing(description: "there is no \(shell) here\n  fix: install it (apt-get install \(shell))")
        }
        return path
    }

    /// A home with the hook written, a shell, and stand-ins for the programs that the hook looks for.
    static func shell(_ shell: String, _ terminal: Terminal, _ environment: [String: String] = [:]) throws
        -> Process
    {
        for name in ["llmstack", "llama-swap", "llama-server"] { try terminal.place(name) }
        #expect(try terminal.run(["activate", shell]).code == 0)
        let process = terminal.process([])
        process.executableURL = URL(filePath: try path(of: shell))
        process.arguments = shell == "bash" ? ["--norc", "--noprofile", "-i"] : ["-f", "-i"]
        process.environment = [
            "HOME": terminal.home.path, "PATH": "\(terminal.binaries.path):/usr/bin:/bin", "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "LLMSTACK_BIN_DIR": terminal.binaries.path,
        ].merging(environment) { $1 }
        return process
    }

    /// In a start-up file it runs for each new shell.
    @Test(arguments: ["bash", "zsh"]) func whatToAddWhereIsSaidOnce(_ shell: String) throws {
        let terminal = try Terminal()
        let first = try terminal.run(["activate", shell])
        #expect(first.errors.contains("next: add to ~/.\(shell)rc"))
        let second = try terminal.run(["activate", shell])
        #expect(second.output == first.output)
        #expect(second.errors.isEmpty)
    }

    private static func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    /// What a script in the project's directory writes into `file` says what the shell's environment is.
    private static let report =
        #"printf '%s|' "${OPENCODE_CONFIG-}" "${LLMSTACK_WORK_DIR-}" "${LLMSTACK_CHANNEL-}" "${LLMSTACK_REMOTE_URL-}" "$?" >> "$HOME/report""#

    @Test(arguments: cases) func aNameIsShownAndNeverRun(_ shell: String, _ name: String) throws {
        let terminal = try Terminal()
        let project = terminal.root.appending(path: "tree").appending(path: name)
        let state = project.appending(path: ".llmstack")
        try FileManager.default.createDirectory(at: state, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: state.appending(path: "opencode.json"))
        // The name is not typed: a terminal would act on some of its characters.
        let process = try Self.shell(shell, terminal, ["OPENCODE_CONFIG": "/my/own.json", "PROJECT": project.path])
        let prompt = shell == "bash" ? "PS1='BASE> '" : "PROMPT='BASE> '; setopt promptsubst"
        let shown = try PseudoTerminal.run(
            process,
            typing: """
                \(prompt)
                . "$HOME/.\(shell)_llmstack_hook"
                cd -- "$PROJECT"
                \(Self.report)
                cd /
                \(Self.report)
                exit
                """)
        let label = String(name.unicodeScalars.map { $0.value < 0x20 ? "?" : Character($0) })
        #expect(shown.contains("[llmstack:\(label)]"), "\(shown.debugDescription)")
        let reported = try String(contentsOf: terminal.home.appending(path: "report"), encoding: .utf8)
        #expect(
            reported == "\(project.path)/.llmstack/opencode.json|\(project.path)|current||0|/my/own.json||||0|",
            "\(shown.debugDescription)")
        let everything =
            FileManager.default.enumerator(at: terminal.root, includingPropertiesForKeys: nil)?.compactMap {
                ($0 as? URL)?.lastPathComponent
            } ?? []
        #expect(!everything.contains { $0 == "PWNED" || $0 == "PWNED;" })
    }

    @Test(arguments: ["bash", "zsh"]) func whoWantsNoColourGetsNone(_ shell: String) throws {
        let terminal = try Terminal()
        try terminal.write("{}", to: ".llmstack/opencode.json")
        let reload = try terminal.run(["reload"], environment: ["SHELL": "/bin/\(shell)"]).output
        try terminal.write(reload, to: "reload")
        for file in ["$HOME/.\(shell)_llmstack_hook", "./reload"] {
            let typed = "PS1='BASE> '\n. \"\(file)\"\necho\nexit"
            let plain = try PseudoTerminal.run(Self.shell(shell, terminal, ["NO_COLOR": "1"]), typing: typed)
            #expect(plain.contains("[llmstack:my project] BASE> ") && !plain.contains("38;5"), "\(plain)")
            let coloured = try PseudoTerminal.run(Self.shell(shell, terminal, ["NO_COLOR": ""]), typing: typed)
            #expect(coloured.contains("38;5;38m"), "\(coloured.debugDescription)")
        }
    }

    @Test(arguments: ["bash", "zsh"]) func strictShellsAndTheUsersOwnHooksSurvive(_ shell: String) throws {
        let terminal = try Terminal()
        try terminal.write("{}", to: ".llmstack/opencode.json")
        let process = try Self.shell(shell, terminal)
        let own =
            shell == "bash"
            ? "PROMPT_COMMAND=('echo own-1' 'echo own-2;')" : "precmd() { echo own-1; }; chpwd() { echo own-2; }"
        let shown = try PseudoTerminal.run(
            process,
            typing: """
                \(own)
                set -u
                . "$HOME/.\(shell)_llmstack_hook"
                . "$HOME/.\(shell)_llmstack_hook"
                cd ..
                cd -
                (exit 7)
                \(Self.report.replacingOccurrences(of: "\"$?\"", with: "\"kept $?\""))
                exit
                """)
        #expect(shown.contains("own-1") && shown.contains("own-2"), "\(shown.debugDescription)")
        #expect(!shown.contains("unbound") && !shown.contains("parameter not set"), "\(shown.debugDescription)")
        let reported = try String(contentsOf: terminal.home.appending(path: "report"), encoding: .utf8)
        #expect(reported.hasSuffix("|kept 7|"), "\(reported) \(shown.debugDescription)")
        #expect(reported.contains("/my project|current||"), "\(reported)")
    }

    /// A status that set -e lets pass must not end the shell once the hook has seen it.
    @Test(arguments: ["bash", "zsh"]) func aShellThatEndsOnErrorsIsNotEndedByTheHook(_ shell: String) throws {
        let terminal = try Terminal()
        try terminal.write("{}", to: ".llmstack/opencode.json")
        let process = try Self.shell(shell, terminal)
        let shown = try PseudoTerminal.run(
            process,
            typing: """
                cd ..
                . "$HOME/.\(shell)_llmstack_hook"
                set -e
                ! true
                printf '%s|' "$?" >> "$HOME/report"
                cd -
                ! true
                \(Self.report)
                cd ..
                ! true
                \(Self.report)
                exit
                """)
        let reported = try String(contentsOf: terminal.home.appending(path: "report"), encoding: .utf8)
        #expect(
            reported == "1|\(terminal.state.path)/opencode.json|\(terminal.project.path)|current||1|||||1|",
            "\(shown.debugDescription)")
    }

    /// The innermost project counts; what was set or unset before the outermost comes back, and the prompt as it was.
    @Test(
        arguments: ["bash", "zsh"],
        [
            [:], ["OPENCODE_CONFIG": "/my/own.json"], ["LLMSTACK_REMOTE_URL": "http://mine:9"],
            ["OPENCODE_CONFIG": "", "LLMSTACK_REMOTE_URL": ""],
        ] as [[String: String]])
    func projectsWithinProjectsAreEnteredAndLeft(_ shell: String, _ own: [String: String]) throws {
        let terminal = try Terminal()
        for (file, text) in [
            ("opencode.json", "{}"), ("default-channel", "next\n"), ("inner/.llmstack/opencode.json", "{}"),
        ] {
            try terminal.write(text, to: file.contains("/") ? file : ".llmstack/\(file)")
        }
        try terminal.write("external http://h:1\n", to: "inner/.llmstack/default-channel")
        try terminal.write("", to: "inner/deep/file")
        let process = try Self.shell(shell, terminal, own)
        let report =
            #"printf '%s|%s|%s|%s|\n' "${OPENCODE_CONFIG-unset}" "${LLMSTACK_CHANNEL-unset}" "#
            + #""${LLMSTACK_REMOTE_URL-unset}" "${LLMSTACK_ACTIVE-unset}" >> "$HOME/report""#
        let shown = try PseudoTerminal.run(
            process,
            typing: """
                PS1='BASE> '
                cd /
                . "$HOME/.\(shell)_llmstack_hook"
                cd - > /dev/null
                \(report)
                cd inner/deep
                \(report)
                cd ../..
                \(report)
                cd /
                \(report)
                printf '%s' "$PS1" >> "$HOME/report"
                exit
                """)
        let outer = "\(terminal.state.path)/opencode.json|next|unset|1|"
        let inner = "\(terminal.project.path)/inner/.llmstack/opencode.json|external|http://h:1|1|"
        let outside = "\(own["OPENCODE_CONFIG"] ?? "unset")|unset|\(own["LLMSTACK_REMOTE_URL"] ?? "unset")|unset|"
        let reported = try String(contentsOf: terminal.home.appending(path: "report"), encoding: .utf8)
        #expect(
            reported == [outer, inner, outer, outside, "BASE> "].joined(separator: "\n"), "\(shown.debugDescription)")
        // Orange for next, purple for another host's.
        #expect(shown.contains("\u{1B}[38;5;208m[llmstack:my project]"), "\(shown.debugDescription)")
        #expect(shown.contains("\u{1B}[38;5;135m[llmstack:inner http://h:1]"), "\(shown.debugDescription)")
    }

    @Test(arguments: ["bash", "zsh"]) func aFileOfSomebodyElseChoosesNothing(_ shell: String) throws {
        // Only root may give a file away.
        guard getuid() == 0 else { return }
        let terminal = try Terminal()
        try terminal.write("{}", to: ".llmstack/opencode.json")
        try FileManager.default.setAttributes(
            [.ownerAccountID: 65534], ofItemAtPath: terminal.state.appending(path: "opencode.json").path)
        let process = try Self.shell(shell, terminal)
        _ = try PseudoTerminal.run(process, typing: ". \"$HOME/.\(shell)_llmstack_hook\"\n\(Self.report)\nexit")
        #expect(try String(contentsOf: terminal.home.appending(path: "report"), encoding: .utf8) == "||||0|")
    }

    @Test(arguments: ["bash", "zsh"]) func reloadBringsAShellWithoutTheHookUpToDate(_ shell: String) throws {
        let terminal = try Terminal()
        let project = terminal.root.appending(path: "it's $(touch PWNED) `x` %n \\w")
        for (name, text) in [("opencode.json", "{}"), ("default-channel", "external http://h:1\n")] {
            let file = project.appending(path: ".llmstack/\(name)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let process = try Self.shell(shell, terminal, ["SHELL": "/bin/\(shell)", "PROGRAM": terminal.program.path])
        process.currentDirectoryURL = project
        let prompt = shell == "bash" ? "PS1='BASE> '" : "PROMPT='BASE> '; setopt promptsubst"
        let shown = try PseudoTerminal.run(
            process, typing: "\(prompt)\neval \"$(\"$PROGRAM\" reload)\"\n\(Self.report)\nexit")
        #expect(shown.contains("[llmstack:it's $(touch PWNED) `x` %n \\w http://h:1]"), "\(shown.debugDescription)")
        let reported = try String(contentsOf: terminal.home.appending(path: "report"), encoding: .utf8)
        #expect(reported == "\(project.path)/.llmstack/opencode.json|\(project.path)|external|http://h:1|0|")
        #expect(!FileManager.default.fileExists(atPath: project.appending(path: "PWNED").path))
    }
}
