import Foundation

extension Symptoms.Firewall {
    /// Those that are on, as far as anybody may see: rules themselves are root's to read.
    ///
    /// - Parameters:
    ///   - ufw: the text of `/etc/ufw/ufw.conf`; nil where there is none.
    ///   - programs: names of the running programs.
    ///   - application: what macOS's `socketfilterfw --getglobalstate` prints; nil elsewhere.
    package static func enabled(ufw: String?, programs: Set<String>, application: String? = nil) -> [Self] {
        var found: [Self] = []
        let lines = (ufw ?? "").split(whereSeparator: \.isNewline).map { $0.filter { !$0.isWhitespace }.lowercased() }
        if lines.contains("enabled=yes") { found.append(.ufw) }
        if programs.contains("firewalld") { found.append(.firewalld) }
        if let application, application.contains("enabled") { found.append(.application) }
        return found
    }

    /// On this host.
    package static func current(programs: Set<String>) -> [Self] {
        enabled(
            ufw: try? String(contentsOfFile: "/etc/ufw/ufw.conf", encoding: .utf8), programs: programs,
            application: applicationFirewall())
    }
}

extension ProcessTable {
    /// The names of what runs, without their directories; a script goes by its own name, not its interpreter's.
    package var programNames: Set<String> {
        Set(
            processes().flatMap { $0.arguments.prefix(2).compactMap { $0.split(separator: "/").last.map(String.init) } }
        )
    }
}
