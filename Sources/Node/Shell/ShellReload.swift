import Foundation

/// Code that brings a running shell up to date with its project: for `eval`. Values stand in single quotes, so that the
/// shell expands nothing in them.
package struct ShellReload: Sendable {
    package let project: String
    package let opencode: String
    /// As the marker has it, known or not.
    package let channel: String
    package let url: String?

    /// - Parameter work: a project: it has an opencode.json.
    /// - Returns: nil where there is none.
    package init?(_ work: WorkDirectory) {
        guard FileManager.default.fileExists(atPath: work.opencodeJSON) else { return nil }
        project = work.path
        opencode = work.opencodeJSON
        let marker = [work.activeChannel, work.defaultChannel].lazy
            .compactMap { try? String(contentsOfFile: $0, encoding: .utf8) }
            .map { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
            .first { !$0.isEmpty }
        channel = marker?.first ?? "current"
        url = (marker?.count ?? 0) > 1 ? marker?[1] : nil
    }

    private var colour: Int { Channel(marker: channel).map(Subshell.colour) ?? 38 }

    private var label: String {
        let text = (project as NSString).lastPathComponent + (url.map { " \($0)" } ?? "")
        return String(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) })
    }

    private var variables: [(name: String, value: String?)] {
        [
            ("OPENCODE_CONFIG", opencode), ("LLMSTACK_WORK_DIR", project), ("LLMSTACK_CHANNEL", channel),
            ("LLMSTACK_ACTIVE", "1"), ("LLMSTACK_REMOTE_URL", url),
        ]
    }

    /// - Parameter shell: nil for one that has no hook; its prompt is left alone.
    package func code(for shell: HookShell?) -> String {
        switch shell {
        case .bash:
            lines {
                """
                PS1=${PS1#"${_LLMSTACK_PREFIX-}"}
                _LLMSTACK_LABEL=\(Subshell.quoted("[llmstack:\(label)]"))
                _LLMSTACK_PREFIX='\\[\\e[38;5;\(colour)m\\]${_LLMSTACK_LABEL}\\[\\e[0m\\] '
                if \(Subshell.isColourless); then _LLMSTACK_PREFIX='${_LLMSTACK_LABEL} '; fi
                PS1=$_LLMSTACK_PREFIX$PS1
                """
            }
        case .zsh:
            lines {
                """
                PROMPT=${PROMPT#"${_LLMSTACK_PREFIX-}"}
                _LLMSTACK_LABEL=\(Subshell.quoted(label)) _LLMSTACK_PREFIX='%F{\(colour)}[llmstack:%20v]%f '
                if \(Subshell.isColourless); then _LLMSTACK_PREFIX='[llmstack:%20v] '; fi
                psvar[20]=$_LLMSTACK_LABEL
                PROMPT=$_LLMSTACK_PREFIX$PROMPT
                """
            }
        case nil: lines { "" }
        case .powershell: powershell
        }
    }

    private func lines(_ prompt: () -> String) -> String {
        let settings = variables.map { variable in
            variable.value.map { "export \(variable.name)=\(Subshell.quoted($0))" } ?? "unset \(variable.name)"
        }
        return (settings + [prompt()]).filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
    }

    private var powershell: String {
        let settings = variables.map { variable in
            variable.value.map { "$env:\(variable.name) = \(HookShell.powershellQuoted($0))" }
                ?? "Remove-Item Env:\(variable.name) -ErrorAction SilentlyContinue"
        }
        let prompt = [
            "$global:_LLMSTACK_PROMPT_COLOR = \(colour)",
            "$global:_LLMSTACK_PROMPT_LABEL = \(HookShell.powershellQuoted(label))",
            "$global:_LLMSTACK_PROMPT_SUFFIX = ''", "$global:_LLMSTACK_PROMPT_ON = $true",
        ]
        return (settings + prompt).joined(separator: "\n") + "\n"
    }
}
