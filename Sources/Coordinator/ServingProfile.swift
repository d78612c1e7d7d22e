package import Wire

/// How a router serves: the data in which one host differs from a cluster. Code asks a profile, never which it is.
package struct ServingProfile: Sendable {
    /// What a path means to the router; every other goes upstream as it is.
    package enum Route: Sendable {
        /// A completion, which knows `model: "auto"`.
        case completion
        case modelList
        /// models.ini as it is on disk.
        case modelsINI
    }

    package var routes: [(method: String, path: String, route: Route)]
    package var limits = RequestLimits()
    /// Seconds that an upstream may take to accept a connection.
    package var connectSeconds = 10
    /// Seconds that requests in hand may take to finish when the router stops.
    package var drainSeconds = 10

    /// One host with its llama-swap: the routes that the document promises.
    package static let singleHost = ServingProfile(routes: [
        ("POST", "/v1/chat/completions", .completion),
        ("POST", "/v1/completions", .completion),
        ("GET", "/v1/models", .modelList),
        ("GET", "/models.ini", .modelsINI),
        ("HEAD", "/models.ini", .modelsINI),
    ])

    func route(_ head: RequestHead) -> Route? {
        let path = head.path
        return routes.first { $0.path == path && $0.method == head.method }?.route
    }
}
