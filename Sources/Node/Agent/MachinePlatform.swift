/// The system and processor that this program was built for.
enum MachinePlatform {
    /// `linux/x86_64`, `macos/arm64`.
    static var name: String { "\(system)/\(processor)" }

    private static var system: String {
        #if os(macOS)
            "macos"
        #elseif os(Linux)
            "linux"
        #else
            "other"
        #endif
    }

    private static var processor: String {
        #if arch(arm64)
            "arm64"
        #elseif arch(x86_64)
            "x86_64"
        #else
            "other"
        #endif
    }
}
