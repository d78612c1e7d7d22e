package import NIOCore

/// A whole reply, made here.
package struct Reply: Sendable, Equatable {
    package var head: ReplyHead
    package var body: ByteBuffer

    package init(status: Int, fields: Fields = .init(), body: ByteBuffer = ByteBuffer()) {
        head = ReplyHead(status: status, fields: fields)
        self.body = body
    }

    /// JSON text, which the caller has made.
    package static func json(_ text: String, status: Int = 200) -> Reply {
        Reply(status: status, fields: ["content-type": "application/json"], body: ByteBuffer(string: text))
    }

    package static func text(_ text: String, status: Int = 200) -> Reply {
        Reply(status: status, fields: ["content-type": "text/plain; charset=utf-8"], body: ByteBuffer(string: text))
    }
}

extension Fields: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { add(name, value) }
    }
}
