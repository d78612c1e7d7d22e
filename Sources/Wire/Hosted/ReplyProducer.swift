/// Makes the reply to one request on threads of its own, not on the event loop.
package protocol ReplyProducer: Sendable {
    /// Begins. Called on the event loop: it must not block.
    ///
    /// - Parameters:
    ///   - body: puts the request's body together. Bodies may be large: to be called elsewhere.
    ///   - outlet: takes the reply, a head first.
    func begin(_ body: @escaping @Sendable () -> [UInt8], _ outlet: ReplyOutlet) -> any Production
}

/// A reply that is being made. Called on the event loop: it must not block.
package protocol Production: Sendable {
    /// Nobody wants it any more. What still comes of it is dropped.
    func cancel()

    /// There is room again, after ``ReplyOutlet/takesMore()`` had said that there is none.
    func resume()
}
