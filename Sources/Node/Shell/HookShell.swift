import Foundation

/// A shell that llmstack has a prompt hook for.
package enum HookShell: String, CaseIterable, Sendable {
    case bash, zsh, powershell

    /// - Parameter name: a shell's name or path; `pwsh` is PowerShell too.
    package init?(_ name: String) {
        var base = (name as NSString).lastPathComponent.lowercased()
        if base.hasSuffix(".exe") { base.removeLast(4) }
        guard let shell = HookShell(rawValue: base == "pwsh" ? "powershell" : base) else { return nil }
        self = shell
    }

    /// The hook, a file of the shell's own language.
    package var hook: String {
        switch self {
        case .bash: String(decoding: PackageResources.hook_bash, as: UTF8.self)
        case .zsh: String(decoding: PackageResources.hook_zsh, as: UTF8.self)
        case .powershell: String(decoding: PackageResources.hook_ps1, as: UTF8.self)
        }
    }

    /// Where the hook is written. PowerShell reads a file only by its ending.
    package func hookPath(home: String) -> String {
        "\(home)/.\(rawValue)_llmstack_hook\(self == .powershell ? ".ps1" : "")"
    }

    /// The line that turns the hook on.
    package func sourceLine(_ path: String) -> String {
        switch self {
        case .bash, .zsh:
            // Double quotes read better, where nothing in the path means anything between them.
            let isPlain = path.allSatisfy { $0.isLetter || $0.isNumber || "/._- +@:,".contains($0) }
            return "source " + (isPlain ? "\"\(path)\"" : Subshell.quoted(path))
        case .powershell: return ". " + Self.powershellQuoted(path)
        }
    }

    /// The user's own start-up file.
    package var startupFile: String {
        switch self {
        case .bash: "~/.bashrc"
        case .zsh: "~/.zshrc"
        case .powershell: "$PROFILE"
        }
    }

    /// What goes into ``startupFile``, so that every new shell has the hook.
    package var startupLine: String {
        self == .powershell
            ? "llmstack activate powershell | Out-String | Invoke-Expression"
            : "eval \"$(llmstack activate \(rawValue))\""
    }

    /// Writes the hook, if it is not there as it is.
    ///
    /// - Returns: its path.
    /// - Throws: ``AtomicFile/Failure``.
    package func install(home: String) throws(AtomicFile.Failure) -> String {
        let path = hookPath(home: home)
        _ = try GeneratedFile(path: path, text: hook, mode: 0o644).write()
        return path
    }

    /// In single quotes, in which PowerShell expands nothing.
    static func powershellQuoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: "''") + "'"
    }
}
