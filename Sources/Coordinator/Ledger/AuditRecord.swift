/// Who did what at the listener of a cluster with keys: one row for each request that was let in or turned away, and for
/// each change of who is let in. Never a prompt, a key or a token.
package struct AuditRecord: Equatable, Sendable {
    /// Seconds since 1970.
    package var time: Double
    /// A client key's eight characters, or a node's id; empty for a stranger.
    package var actor: String
    /// What people call it.
    package var name: String
    /// Where it came from.
    package var address: String
    /// A path that the router knows, or `join`, `invite`, `revoke` and their like; `other` for any other path.
    package var action: String
    /// Whom a change is about, or the tier that served.
    package var subject: String
    /// The node that served.
    package var node: String
    /// Of HTTP.
    package var status: Int
    /// Of prompt and answer together, where the engine told; nil where not.
    package var tokens: Int?
    package var milliseconds: Int

    package init(
        time: Double, actor: String = "", name: String = "", address: String = "", action: String, subject: String = "",
        node: String = "", status: Int = 0, tokens: Int? = nil, milliseconds: Int = 0
    ) {
        self.time = time
        self.actor = actor
        self.name = name
        self.address = address
        self.action = action
        self.subject = subject
        self.node = node
        self.status = status
        self.tokens = tokens
        self.milliseconds = milliseconds
    }
}

/// What an actor did in the time that the ledger keeps.
package struct ActorUse: Equatable, Sendable {
    package var actor: String
    /// Requests that were let in, and what they cost.
    package var requests: Int
    package var tokens: Int
    /// Turned away, or failed.
    package var refused: Int
    /// Seconds since 1970.
    package var last: Double
    /// Where it came from last.
    package var address: String
}
