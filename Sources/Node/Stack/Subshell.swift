import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The interactive shell that `start` turns into: the user's own, with the project's environment and a prompt that says
/// which channel it is in.
package struct Subshell: Sendable {
    package enum Dialect: Equatable, Sendable { case bash, zsh, other }

    package let work: WorkDirectory
    package let channel: Channel
    /// Path of the shell.
    package let shell: String
    /// The directory with the shipped models.ini and AGENTS.md (`LLMSTACK_ROOT`), where there is one.
    package let root: String?
    private let inherited: [String: String]

    /// - Parameter environment: of the command; `SHELL` names the shell.
    package init(work: WorkDirectory, channel: Channel, root: String?, environment: [String: String]) {
        self.work = work
        self.channel = channel
        self.root = root
        inherited = environment
        let named = environment["SHELL"] ?? ""
        shell = named.hasPrefix("/") ? named : "/bin/sh"
    }

    package var dialect: Dialect {
        switch (shell as NSString).lastPathComponent {
        case "bash": .bash
        case "zsh": .zsh
        default: .other
        }
    }

    package var arguments: [String] {
        dialect == .bash ? ["--rcfile", bashRC, "-i"] : ["-i"]
    }

    /// What the project adds to the environment.
    package var exports: [(name: String, value: String)] {
        var result = [
            ("OPENCODE_CONFIG", work.opencodeJSON), ("LLMSTACK_WORK_DIR", work.path),
            ("LLMSTACK_CHANNEL", channel.name), ("LLMSTACK_ACTIVE", "1"),
        ]
        if let root { result.append(("LLMSTACK_ROOT", root)) }
        if case .external(let url) = channel {
            result.append(("LLMSTACK_REMOTE_URL", url))
            // As the prompt hook has it.
            if SecureURL.place(url) != nil, FileManager.default.fileExists(atPath: work.authoritiesPEM) {
                result.append((AuthorityBundle.variable, work.authoritiesPEM))
            }
        }
        return result.map { (name: $0.0, value: $0.1) }
    }

    package var environment: [String: String] {
        var result = inherited
        // Of the shell that start was run in, which may belong to another project.
        result["LLMSTACK_REMOTE_URL"] = nil
        for export in exports { result[export.name] = export.value }
        if dialect == .zsh { result["ZDOTDIR"] = zshDirectory }
        return result
    }

    private var bashRC: String { "\(work.state)/llmstack.bashrc" }
    private var zshDirectory: String { "\(work.state)/zdotdir" }

    /// Of the 256-colour palette: blue for current, orange for next, purple for another host's.
    package static func colour(_ channel: Channel) -> Int {
        switch channel {
        case .current: 38
        case .next: 208
        case .external: 135
        }
    }

    /// What a shell asks itself: its user's own start-up files may have set either.
    static let isColourless = #"[ -n "${NO_COLOR-}" ] || [ "${TERM-}" = dumb ]"#

    /// The start-up file to write before the shell is run; nil where the shell needs none.
    package var startupFile: (path: String, text: String)? {
        let colour = Self.colour(channel)
        // Said once more after the user's own file, which may have set some of them.
        let lines = exports.map { "export \($0.name)=\(Self.quoted($0.value))" }.joined(separator: "\n")
        switch dialect {
        case .other:
            return nil
        case .bash:
            let text = """
                # Made by llmstack start, anew each time. Your own settings belong in ~/.bashrc.
                if [ -f ~/.bashrc ]; then . ~/.bashrc; fi
                \(lines)
                # By this name the prompt hook and llmstack reload know what to take away again.
                PS1=${PS1#"${_LLMSTACK_PREFIX-}"}
                _LLMSTACK_PREFIX='\\[\\e[38;5;\(colour)m\\][llmstack:\(channel.name)]\\[\\e[0m\\] '
                if \(Self.isColourless); then _LLMSTACK_PREFIX='[llmstack:\(channel.name)] '; fi
                PS1=$_LLMSTACK_PREFIX$PS1

                """
            return (bashRC, text)
        case .zsh:
            let user = inherited["ZDOTDIR"].flatMap { $0.isEmpty || $0 == zshDirectory ? nil : $0 }
            let text = """
                # Made by llmstack start, anew each time. Your own settings belong in ~/.zshrc.
                ZDOTDIR=\(user.map(Self.quoted) ?? "$HOME")
                # macOS puts the history into ZDOTDIR, which was this directory until now.
                [[ $HISTFILE == \(Self.quoted(zshDirectory))/* ]] && HISTFILE=$ZDOTDIR/.zsh_history
                if [[ -f $ZDOTDIR/.zshenv ]]; then source $ZDOTDIR/.zshenv; fi
                if [[ -f $ZDOTDIR/.zshrc ]]; then source $ZDOTDIR/.zshrc; fi
                export ZDOTDIR=\(Self.quoted(zshDirectory))
                \(lines)
                # By this name the prompt hook and llmstack reload know what to take away again.
                PROMPT=${PROMPT#"${_LLMSTACK_PREFIX-}"}
                _LLMSTACK_PREFIX='%F{\(colour)}[llmstack:\(channel.name)]%f '
                if \(Self.isColourless); then _LLMSTACK_PREFIX='[llmstack:\(channel.name)] '; fi
                PROMPT=$_LLMSTACK_PREFIX$PROMPT

                """
            return ("\(zshDirectory)/.zshrc", text)
        }
    }

    /// In single quotes, so that no shell expands anything in it.
    package static func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    /// Writes the start-up file and turns this process into the shell. It returns only by failing.
    ///
    /// - Throws: ``StackFailure``; the daemons run on.
    package func enter() throws(StackFailure) -> Never {
        if let file = startupFile {
            do { try AtomicFile.write(file.text, to: file.path, mode: 0o644) } catch {
                throw StackFailure(
                    "cannot write \(error.path): \(error.reason)",
                    advice: "fix: check the directory's permissions, or use llmstack start --detach")
            }
        }
        // The network library ignores SIGPIPE, and a shell hands that on to all it runs.
        signal(SIGPIPE, SIG_DFL)
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        let code = withCStrings([shell] + arguments) { arguments in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                execve(shell, arguments, environment)
                return errno
            }
        }
        throw StackFailure(
            "cannot run the shell \(shell): \(String(cString: strerror(code)))",
            advice: "next: the stack runs; use llmstack start --detach, or set SHELL")
    }
}
