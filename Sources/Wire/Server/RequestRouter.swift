package import NIOCore

/// Decides what happens to requests. Called on event loops: it must not block.
///
/// The server knows HTTP and nothing of tiers; a router knows tiers and nothing of connections and framing.
package protocol RequestRouter: Sendable {
    /// A request's head is in.
    ///
    /// - Parameter peer: who asks; what ``Peer/pass`` is set to is told of the end of this exchange.
    func admit(_ head: RequestHead, from peer: Peer) -> Admission

    /// A body that ``Admission/collect(_:)`` asked for is in.
    ///
    /// - Parameter modelName: the text of a concrete `model`, if that is a string.
    func route(_ head: RequestHead, _ body: ScanOutcome, modelName: String?, from peer: Peer) -> Disposition

    /// The upstream that was chosen gave no reply at all.
    func reply(to head: RequestHead, after failure: UpstreamFailure) -> Reply
}

/// What to do with a request whose head is in.
package enum Admission {
    /// Answer at once; the body is not read.
    case reply(Reply)
    /// Send it on as it comes.
    case forward(Endpoint)
    /// Read the body through this scan, then ask ``RequestRouter/route(_:_:modelName:from:)``.
    case collect(RequestScan)
    /// Read the whole body, of so many bytes at most, and answer when what is made of it is done.
    case receive(limit: Int, (ByteBuffer, Errands) -> EventLoopFuture<Reply>)
    /// Answer when this is done; the body is read and thrown away. What it fetches ends with its client.
    case answer((Errands) -> EventLoopFuture<Reply>)
    /// Answer bit by bit, for as long as both sides want it; the body is read and thrown away.
    case stream(ReplyHead, (ReplyStream) -> Void)
}

/// What to do with a request whose body is in.
package enum Disposition {
    case reply(Reply)
    /// Send it on, edited or as it is; with no edit and an empty body, as it is means without one.
    case forward(Endpoint, Edit)
    /// Take it along this way.
    case dispatch(any Itinerary)

    package enum Edit {
        case none
        case edit(BodyEdit)
        /// Another body in its place.
        case replace(ByteBuffer)
    }
}
