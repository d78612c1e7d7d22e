#if canImport(Darwin)
    import Darwin

    /// What runs `start --foreground` at every start of the machine.
    enum ServiceRestart {
        /// Of the agent in deploy/launchd.
        static var command: String { "launchctl kickstart -k gui/\(getuid())/llmstack" }
    }
#endif
