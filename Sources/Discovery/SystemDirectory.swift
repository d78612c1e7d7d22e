package import Logging

/// The directory of this system.
package enum SystemDirectory {
    /// Chooses another directory than the system's own: `avahi`, `bonjour` or `none`.
    package static let variable = "LLMSTACK_DISCOVERY"
    /// What it may say.
    package static let choices = ["avahi", "bonjour", "none"]

    /// Avahi on Linux, Bonjour on macOS, unless the environment says otherwise.
    package static func make(environment: [String: String], log: Logger) -> any ServiceDirectory {
        let choice = environment[variable] ?? ""
        if choice == "none" {
            return AbsentDirectory(reason: "looking for other hosts is turned off", fix: "unset \(variable)")
        }
        guard choice.isEmpty || choices.contains(choice) else {
            return AbsentDirectory(
                reason: "\(variable)=\(choice) cannot be used",
                fix: "make it \(choices.joined(separator: " or ")), or unset it")
        }
        #if canImport(CAvahi)
            if choice != "bonjour" { return AvahiDirectory(log: log) }
        #endif
        return BonjourDirectory(log: log)
    }
}

/// A directory that is not there: nothing is found and nothing advertised.
package struct AbsentDirectory: ServiceDirectory {
    package let reason: String
    package let fix: String

    package init(reason: String, fix: String) {
        self.reason = reason
        self.fix = fix
    }

    package func advertise(_ service: AdvertisedService?) {}

    /// Says so, and that there is no more for now; then ends.
    package func browse(_ type: String) -> AsyncStream<DirectoryEvent> {
        AsyncStream { continuation in
            continuation.yield(.unavailable(reason: reason, fix: fix))
            continuation.yield(.allForNow)
            continuation.finish()
        }
    }

    package func close() {}
}
