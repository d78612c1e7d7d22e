package import NIOCore

/// One request's way to an upstream and back, when the router chooses as it goes: it may have to wait, and where one
/// upstream fails before anything was said to the client, another may do. Used on one event loop.
package protocol Itinerary: AnyObject {
    /// Whether the client reads server-sent events, and can be told that it is being seen to while it waits.
    var isEventStream: Bool { get }

    /// An event that tells the client what it waits for; nil where there is nothing to tell. Asked about once a second
    /// while an event stream waits.
    func waitingNote() -> ByteBuffer?

    /// For the head of an event stream that goes out before the upstream's.
    var earlyFields: Fields { get }

    /// How the upstream fares by what is known beside its connection. Asked about once a second.
    ///
    /// - Parameter isWaiting: whether no reply has been let pass yet: only then the answer may be ``Prospect/another``.
    func prospect(isWaiting: Bool) -> Prospect

    /// How the reply that has ended, or broken off, came to its end.
    var ending: ReplyEnding { get }

    /// Works out where to go first.
    ///
    /// - Parameter go: called on the event loop once for this call, and once more after each ``replied(_:)`` that said
    ///   ``Passage/another``, each ``prospect(isWaiting:)`` that did and each ``failed(_:)``: at once or later.
    func begin(on loop: any EventLoop, _ go: @escaping (consuming Leg) -> Void)

    /// The upstream's head is there; of an event stream that begins well also its first event.
    func replied(_ head: ReplyHead) -> Passage

    /// The upstream gave no reply, or of an event stream the head alone.
    func failed(_ failure: UpstreamFailure)

    /// Bytes of the reply's body have come, and go to the client once ``replied(_:)`` has let the reply pass.
    func received(_ bytes: ByteBuffer)

    /// It is over. Called once, whatever came of it: from now on the itinerary keeps nothing that ``begin(on:_:)`` gave it.
    func ended(_ end: ExchangeEnd)
}

/// What to do with the request now.
package enum Leg {
    /// Send it there, with this head and its body edited so.
    case send(RequestHead, Endpoint, Disposition.Edit)
    /// Its reply is made on this host, off the event loop, from the body as it came.
    case produce(any ReplyProducer)
    case reply(Reply)
}

/// What becomes of an upstream's reply.
package enum Passage {
    /// It is the client's, with this head.
    case pass(ReplyHead)
    /// It is thrown away: the next leg comes.
    case another
}

/// What is to be expected of an upstream.
package enum Prospect: Equatable, Sendable {
    case fair
    /// It is gone, although its connection has not told.
    case lost
    /// It is given up for another: the next leg comes.
    case another
}

/// What a reply itself says of its end.
package enum ReplyEnding: Equatable, Sendable {
    /// Nothing: only its framing tells whether it is whole.
    case unmarked
    /// Its last event is there.
    case whole
    /// It should end with an event that has not come.
    case missing
    /// The upstream has told that it lost the reply to an upstream of its own.
    case told
}

/// How an exchange ended.
package enum ExchangeEnd: Equatable, Sendable {
    /// The whole reply has been passed on.
    case complete
    /// The upstream broke off in the middle.
    case broke
    /// The client went.
    case clientLeft
    /// The router answered by itself.
    case answered(status: Int)
}
