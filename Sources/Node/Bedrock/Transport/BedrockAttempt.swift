import Synchronization
import Wire

/// One exchange with the service. A stream of events goes on to the client as it comes; everything else is collected.
final class BedrockAttempt: CurlReceiver {
    enum Outcome: Sendable {
        /// The client has the whole reply, or as much as came of it.
        case streamed
        case reply(Curl.Head, [UInt8])
        case noReply(CurlFailure)
        /// Nobody wants it any more.
        case cancelled
    }

    private struct State: Sendable {
        var head = Curl.Head()
        var stream: BedrockStream?
        var body: [UInt8] = []
        var isTooLong = false
        var continuation: CheckedContinuation<Outcome, Never>?
        var outcome: Outcome?
    }

    /// Bytes of a reply that is no stream: the longest answers of models are a hundredth of it.
    private static let bodyLimit = 32 << 20
    static let streamType = "application/vnd.amazon.eventstream"

    private let outlet: ReplyOutlet
    private let state: Mutex<State>

    /// - Parameter stream: what is made of a stream of events; nil where the request asked for none.
    init(_ outlet: ReplyOutlet, stream: BedrockStream?) {
        self.outlet = outlet
        state = Mutex(State(stream: stream))
    }

    /// Waits for the end.
    func outcome() async -> Outcome {
        await withCheckedContinuation { continuation in
            let outcome = state.withLock { state in
                if state.outcome == nil { state.continuation = continuation }
                return state.outcome
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }

    /// The first word counts.
    func finish(_ outcome: Outcome) {
        let continuation = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            guard state.outcome == nil else { return nil }
            state.outcome = outcome
            defer { state.continuation = nil }
            return state.continuation
        }
        continuation?.resume(returning: outcome)
    }

    // MARK: CurlReceiver

    func received(_ head: Curl.Head) {
        let begins = state.withLock { state in
            state.head = head
            let isStream = head.fields["content-type"]?.lowercased().hasPrefix(Self.streamType) == true
            if head.status != 200 || !isStream { state.stream = nil }
            return state.stream != nil
        }
        if begins { outlet.begin(BedrockStream.head) }
    }

    func received(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // Before the bytes are looked at: those that are refused come again.
        guard outlet.takesMore() else { return false }
        let (text, isOver) = state.withLock { state -> ([UInt8], Bool) in
            if let text = state.stream?.take(bytes) { return (text, state.stream?.isOver == true) }
            if state.body.count + bytes.count > Self.bodyLimit {
                state.isTooLong = true
            } else {
                state.body.append(contentsOf: bytes)
            }
            return ([], false)
        }
        outlet.send(text)
        if isOver { conclude() }
        return true
    }

    func ended(_ result: Result<Curl.Head, CurlFailure>) {
        let text = state.withLock { state -> [UInt8]? in
            guard state.head.status != 0, state.stream != nil, state.outcome == nil else { return nil }
            switch result {
            case .success: return state.stream?.end()
            case .failure: return state.stream?.lost()
            }
        }
        if let text {
            outlet.send(text)
            return conclude()
        }
        switch result {
        case .success(let head):
            let (body, isTooLong) = state.withLock { ($0.body, $0.isTooLong) }
            finish(
                isTooLong
                    ? .noReply(CurlFailure(.tooLong, reason: "the reply is longer than \(Self.bodyLimit >> 20) MiB"))
                    : .reply(head, body))
        case .failure(let failure): finish(.noReply(failure))
        }
    }

    /// The client has all of its stream; what the service may still say is of no use.
    private func conclude() {
        outlet.end()
        finish(.streamed)
    }
}
