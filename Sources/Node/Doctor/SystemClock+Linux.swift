#if os(Linux)
    import Foundation

    /// The system's clock.
    package enum SystemClock {
        /// Whether a time server keeps it; nil where none of the usual programs that ask one is known to run.
        package static func isKept(programs: Set<String>) -> Bool? {
            // systemd-timesyncd writes this file when it has set the clock (systemd-timesyncd.service(8)).
            if FileManager.default.fileExists(atPath: "/run/systemd/timesync/synchronized") { return true }
            if !programs.isDisjoint(with: ["chronyd", "ntpd", "openntpd"]) { return true }
            return programs.contains("systemd-timesyncd") ? false : nil
        }
    }

    /// There is none on Linux.
    func applicationFirewall() -> String? { nil }
#endif
