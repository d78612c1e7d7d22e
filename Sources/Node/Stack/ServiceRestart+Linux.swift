#if os(Linux)
    /// What runs `start --foreground` at every start of the machine.
    enum ServiceRestart {
        /// Of the units in deploy/systemd.
        static let command = "systemctl --user restart llmstack, or sudo systemctl restart llmstack@USER"
    }
#endif
