import Cluster
import NIOCore

/// Takes one request along its ``Itinerary``, and what comes back to the client's connection.
///
/// While a client that reads events waits, it is told what it waits for (``Itinerary/waitingNote()``); where there is
/// nothing to tell, it is given the head of its reply after ``headAfter`` and a comment every ``pingInterval``: clients give
/// up after minutes of silence. A reply that then turns out to be an error is told as an event, since the status has gone
/// out.
final class Dispatch: UpstreamReceiver {
    /// Seconds until the first note, the one under way not counted. Long enough for a host that is not busy: its own head,
    /// with its own status, is better.
    static let noteAfter = 2
    /// Seconds after which the head goes out, notes or none; and between two comments.
    static let headAfter = 10
    static let pingInterval = 15
    /// Bytes of an error that is told as an event.
    private static let errorLimit = 64 << 10

    private enum Speech {
        case nothing
        /// The head has gone out before the upstream's was there.
        case early
        /// The upstream's reply is being passed on.
        case upstream
        /// The upstream's reply is an error, and the head has gone out before: it is kept until it is whole.
        case error(ByteBuffer)
    }

    private let itinerary: any Itinerary
    private let pool: UpstreamPool
    /// It drops this when the exchange is over; where it ends before, ``cancel()`` drops it.
    private var connection: ServerConnection?
    /// Kept until a reply is passed on: another upstream may need it.
    private var pieces: [ByteBuffer]
    private(set) var call: (any OngoingCall)?
    private var speech = Speech.nothing
    private var isOver = false
    /// Where the call goes.
    private var endpoint = Endpoint(host: "", port: 0)
    /// Of the upstream's reply, where that is an event stream.
    private var events: WholeEvents?
    /// The head of an event stream of which no event has come. Servers send it before they have done anything: until they
    /// say something, another may be asked.
    private var heldHead: ReplyHead?
    /// Seconds waited, and seconds since the client was last told something.
    private var waited = 0
    private var silent = 0

    init(_ itinerary: any Itinerary, _ pieces: [ByteBuffer], for connection: ServerConnection, _ pool: UpstreamPool) {
        self.itinerary = itinerary
        self.pieces = pieces
        self.connection = connection
        self.pool = pool
    }

    func start() {
        // The itinerary drops this when it has ended.
        itinerary.begin(on: pool.loop) { leg in self.take(leg) }
    }

    private func take(_ leg: consuming Leg) {
        guard !isOver else { return }
        events = nil
        heldHead = nil
        switch consume leg {
        case .send(let head, let endpoint, let edit):
            let call = UpstreamCall(
                head, body: .whole(edit.applied(to: pieces)), to: endpoint, pool: pool, receiver: self)
            self.call = call
            self.endpoint = endpoint
            call.start()
        case .produce(let producer):
            let call = ProducedCall(loop: pool.loop, receiver: self)
            self.call = call
            call.start(producer, pieces)
        case .reply(let reply):
            end(.answered(status: reply.head.status))
            if case .nothing = speech { connection?.answer(reply) } else { tellError(reply.body) }
        }
    }

    /// The client has gone, or the request is refused after all.
    func cancel() {
        call?.cancel()
        call = nil
        end(.clientLeft)
        connection = nil
    }

    private func end(_ end: ExchangeEnd) {
        guard !isOver else { return }
        isOver = true
        letGo()
        itinerary.ended(end)
    }

    /// No other upstream will need the body.
    private func letGo() {
        pieces = []
        connection?.releaseBody()
    }

    // MARK: Waiting aloud

    /// By the clock that all connections of the event loop have.
    func secondPassed() {
        guard !isOver else { return }
        lookAhead()
        guard !isOver else { return }
        if itinerary.isEventStream, waited >= Self.noteAfter { tellOfWaiting() }
        waited += 1
        silent += 1
    }

    private func lookAhead() {
        // The next leg may begin in there.
        let call = call
        switch itinerary.prospect(isWaiting: isWaiting) {
        case .fair: break
        case .lost:
            guard call != nil else { return }
            call?.cancel()
            upstreamFailed(UpstreamFailure(kind: .broken, endpoint: endpoint, reason: "it is down"))
        case .another:
            call?.cancel()
            if self.call === call { self.call = nil }
        }
    }

    /// Whether nothing of a reply has gone out.
    private var isWaiting: Bool {
        switch speech {
        case .nothing, .early: true
        case .upstream, .error: false
        }
    }

    private func tellOfWaiting() {
        guard isWaiting, connection?.takesMore == true else { return }
        if let note = itinerary.waitingNote() {
            say(note)
        } else if silent >= (waited > Self.headAfter ? Self.pingInterval : Self.headAfter) {
            say(ByteBuffer(string: ": ping\n\n"))
        }
    }

    private func say(_ event: ByteBuffer) {
        guard let connection else { return }
        if case .nothing = speech {
            speech = .early
            var fields = itinerary.earlyFields
            fields.add("content-type", "text/event-stream")
            fields.add("cache-control", "no-cache")
            connection.begin(ReplyHead(status: 200, fields: fields), holdingBody: true)
        }
        silent = 0
        connection.upstreamSent(event)
        connection.upstreamReadCompleted()
    }

    /// - Parameter body: of a reply; an error in OpenAI's shape, where its sender knows that.
    private func tellError(_ body: ByteBuffer) {
        let isJSON = body.readableBytesView.first { $0 > 0x20 } == UInt8(ascii: "{")
        let body =
            isJSON
            ? body
            : OpenAIError(502, "upstream_error", String(buffer: body).printable(2000)).reply.body
        var event = ByteBuffer(string: "data: ")
        event.writeBytes(body.readableBytesView.lazy.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
        event.writeString("\n\n")
        connection?.upstreamSent(event)
        connection?.upstreamEnded()
    }

    /// The upstream broke off in a reply that is being passed on. A stream that stands between two events can still be told;
    /// of everything else only the end of the connection tells.
    private func tellLoss(_ failure: UpstreamFailure) {
        end(.broke)
        if let events, !events.isWithinEvent {
            tellError(OpenAIError(502, "upstream_lost", "The reply broke off: \(failure.reason).").reply.body)
        } else {
            connection?.upstreamFailed(failure)
        }
    }

    // MARK: UpstreamReceiver

    var takesMore: Bool { connection?.takesMore ?? true }

    func upstreamReplied(_ head: ReplyHead, length: Int?) {
        // Compressed, it does not show where its events end.
        let isStream =
            head.fields["content-type"]?.hasPrefix("text/event-stream") == true
            && head.fields["content-encoding"] == nil
        events = isStream ? WholeEvents() : nil
        if isStream, (200..<300).contains(head.status) {
            heldHead = head
        } else {
            // What is lost of a stream is told by one event more, which no length may forbid.
            begin(head, length: isStream ? nil : length)
        }
    }

    /// Asks whether the reply is the client's, and begins to pass it on if so.
    private func begin(_ head: ReplyHead, length: Int?) {
        // The next leg may begin in there.
        let call = call
        switch itinerary.replied(head) {
        case .pass(let head):
            letGo()
            if case .early = speech {
                speech = (200..<300).contains(head.status) ? .upstream : .error(ByteBuffer())
            } else {
                speech = .upstream
                connection?.upstreamReplied(head, length: length)
            }
        case .another:
            call?.cancel()
            if self.call === call { self.call = nil }
        }
    }

    func upstreamSent(_ bytes: ByteBuffer) {
        guard call != nil else { return }
        itinerary.received(bytes)
        if case .error(var body) = speech {
            speech = .nothing  // So that the body has one owner and grows in place.
            if body.readableBytes < Self.errorLimit { body.writeImmutableBuffer(bytes) }
            speech = .error(body)
        } else if events == nil {
            connection?.upstreamSent(bytes)
        } else {
            events?.take(bytes, pass)
        }
    }

    /// - Parameter bytes: whole events, as a rule.
    private func pass(_ bytes: ByteBuffer) {
        var bytes = bytes
        if let head = heldHead {
            // What another router says while it waits is no reply yet. Comments are for who waits, and this one has its own.
            while let foreword = WholeEvents.takeForeword(&bytes) {
                if case .note(let note) = foreword { say(note) }
            }
            guard WholeEvents.hasEvent(bytes) else { return }
            heldHead = nil
            begin(head, length: nil)
            guard case .upstream = speech else { return }
        }
        connection?.upstreamSent(bytes)
    }

    /// The reply has come to its end.
    private func complete() {
        if let head = heldHead {
            heldHead = nil
            begin(head, length: nil)
        }
        end(.complete)
        if case .error(let body) = speech { return tellError(body) }
        events?.release(pass)
        connection?.upstreamEnded()
    }

    /// What the upstream says is all that there is to be said, although it is not the whole reply.
    private func endLost() {
        end(.broke)
        connection?.upstreamEnded()
    }

    /// A reply that is no event stream, whatever the client asked for, has no last event.
    private var ending: ReplyEnding { events == nil ? .unmarked : itinerary.ending }

    func upstreamReadCompleted() { connection?.upstreamReadCompleted() }

    func upstreamEnded() {
        guard call != nil else { return }
        switch ending {
        case .unmarked, .whole:
            call = nil
            complete()
        case .told, .missing:
            upstreamFailed(
                UpstreamFailure(kind: .broken, endpoint: endpoint, reason: "it ended without its last event"))
        }
    }

    func upstreamFailed(_ failure: UpstreamFailure) {
        self.call = nil
        switch speech {
        case .nothing, .early: itinerary.failed(failure)
        case .upstream:
            switch ending {
            // It broke off after its last word.
            case .whole: complete()
            case .told: endLost()
            case .unmarked, .missing: tellLoss(failure)
            }
        case .error:
            end(.broke)
            connection?.upstreamFailed(failure)
        }
    }

    func upstreamBecameWritable() { connection?.upstreamBecameWritable() }
}

extension Disposition.Edit {
    /// The body as it goes on.
    func applied(to pieces: [ByteBuffer]) -> [ByteBuffer] {
        switch self {
        case .none: pieces
        case .edit(let edit): edit.applied(to: pieces)
        case .replace(let body): [body]
        }
    }
}
