import Node

extension RouterDirectory {
    /// This host's directory.
    static func system(environment: [String: String]) -> RouterDirectory {
        RouterDirectory {
            AsyncStream { continuation in
                continuation.yield(.unavailable(reason: "not yet", fix: "wait"))
                continuation.finish()
            }
        } interfaces: {
            []
        }
    }
}
