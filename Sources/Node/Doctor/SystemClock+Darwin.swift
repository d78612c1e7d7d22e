#if canImport(Darwin)
    import Foundation

    /// The system's clock.
    package enum SystemClock {
        /// macOS tells only root.
        package static func isKept(programs: Set<String>) -> Bool? { nil }
    }

    /// What the application firewall says of itself.
    func applicationFirewall() -> String? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/libexec/ApplicationFirewall/socketfilterfw")
        process.arguments = ["--getglobalstate"]
        let output = Pipe()
        process.standardOutput = output
        guard (try? process.run()) != nil else { return nil }
        let text = try? output.fileHandleForReading.readToEnd()
        process.waitUntilExit()
        return text.map { String(decoding: $0, as: UTF8.self) }
    }
#endif
