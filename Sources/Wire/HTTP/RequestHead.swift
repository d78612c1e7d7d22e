/// A request's first line and fields.
package struct RequestHead: Sendable, Equatable {
    package var method: String
    /// Path and query as sent, percent-encoding included.
    package var target: String
    package var fields: Fields

    package init(method: String, target: String, fields: Fields = .init()) {
        self.method = method
        self.target = target
        self.fields = fields
    }

    /// The target up to the query.
    package var path: Substring {
        target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[..<$0] } ?? target[...]
    }
}

/// A reply's status and fields.
package struct ReplyHead: Sendable, Equatable {
    package var status: Int
    package var fields: Fields

    package init(status: Int, fields: Fields = .init()) {
        self.status = status
        self.fields = fields
    }
}

/// How much of a request is accepted. Sizes in bytes.
package struct RequestLimits: Sendable, Equatable {
    package var head = 32 << 10
    package var fields = 100
    package var target = 8 << 10
    /// One body that is collected before it is routed.
    package var body = 64 << 20
    /// All of them together. An eighth of that is for small ones: a few large bodies must not keep everybody out.
    package var bodies = 512 << 20
    /// What a small body has at most.
    package var smallBody = 1 << 20
    package var connections = 1024
    /// Seconds from the first byte of a head to its last.
    package var headSeconds = 10
    /// Seconds that a connection may wait for its next request.
    package var idleSeconds = 75
    /// Seconds that a client may take none of a reply that waits for it, or send nothing of a body that is waited for.
    package var stalledSeconds = 60
    /// Seconds that a refused request is read on and thrown away.
    package var lingerSeconds = 2

    package init() {}
}
