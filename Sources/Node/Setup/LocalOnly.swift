/// Verbs that deal with this host's own models and programs have nothing to do in a project that uses another host's.
package enum LocalOnly {
    /// - Returns: two lines that say so; nil in a project with a stack of its own.
    package static func refusal(_ verb: String, work: WorkDirectory, environment: [String: String]) -> String? {
        let remote = (environment["LLMSTACK_REMOTE_URL"] ?? "").trimming()
        if case .external(let url)? = work.pinnedChannel {
            return "llmstack \(verb): this project uses the router at \(url), which has the models and programs\n"
                + "  next: run it on that host; or llmstack install --current gives this project a stack of its own"
        }
        guard !remote.isEmpty, work.pinnedChannel == nil else { return nil }
        let router = remote.contains("://") ? "the router at \(remote)" : "another host's router (\(remote))"
        return "llmstack \(verb): LLMSTACK_REMOTE_URL says that this shell uses \(router)\n"
            + "  next: run it on that host; or unset LLMSTACK_REMOTE_URL to use this one"
    }
}

extension String {
    fileprivate func trimming() -> String {
        let rest = drop(while: \.isWhitespace)
        return String(rest[..<(rest.lastIndex { !$0.isWhitespace }.map { rest.index(after: $0) } ?? rest.startIndex)])
    }
}
