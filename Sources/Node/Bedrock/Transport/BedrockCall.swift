import Foundation
import Synchronization
import Wire

/// One request to a hosted tier, from the client's body to the client's reply.
///
/// 1. The body is translated, on a thread where that may take its time.
/// 2. Credentials and region are found.
/// 3. The request is signed and sent, up to three times (``RetryPlan``) while nothing was said to the client.
/// 4. A stream goes on as it comes (``BedrockAttempt``); a whole reply is translated; an error is told in OpenAI's shape.
final class BedrockCall: Production {
    private struct State: Sendable {
        var isCancelled = false
        var task: Task<Void, Never>?
        var current: (attempt: BedrockAttempt, transfer: any CurlTransfer)?
    }

    private let request: HostedRequest
    private let backend: BedrockBackend
    private let outlet: ReplyOutlet
    private let state = Mutex(State())

    init(_ request: HostedRequest, _ backend: BedrockBackend, _ outlet: ReplyOutlet) {
        self.request = request
        self.backend = backend
        self.outlet = outlet
    }

    func start(_ body: @escaping @Sendable () -> [UInt8]) {
        let task = Task { await self.run(body) }
        state.withLock { $0.task = task }
    }

    // MARK: Production

    func cancel() {
        let (task, current) = state.withLock { state in
            state.isCancelled = true
            return (state.task, state.current)
        }
        task?.cancel()
        current?.transfer.cancel()
        current?.attempt.finish(.cancelled)
    }

    func resume() { state.withLock { $0.current }?.transfer.resume() }

    // MARK: The way

    private func run(_ body: @escaping @Sendable () -> [UInt8]) async {
        let (tier, path, usesNext) = (request.tier, request.path, request.usesNext)
        // 1
        let translated = await Self.aside { () -> Result<(ConverseRequest, hash: String), ConverseRefusal> in
            Result { () throws(ConverseRefusal) in
                let request = try ConverseRequest(body: body(), path: path, tier: tier, next: usesNext)
                return (request, RequestSigner.payloadHash(of: request.body))
            }
        }
        let converse: ConverseRequest
        let hash: String
        switch translated {
        case .success(let both): (converse, hash) = both
        case .failure(let refusal): return outlet.answer(refusal.error)
        }
        // 2
        let client: BedrockClient
        do throws(BedrockUnavailable) {
            client = try await backend.client(for: tier, usesNext: usesNext)
        } catch {
            return outlet.answer(ReplyHead(status: 502, fields: Self.json), error.body)
        }
        // 3
        await ask(converse, hash, client)
    }

    private func ask(_ converse: ConverseRequest, _ hash: String, _ client: BedrockClient) async {
        var plan = RetryPlan()
        var client = client
        while true {
            // Another request may set the clock meanwhile: a refusal is judged by the clock that was signed by.
            let ahead = client.ahead
            let outcome: RetryPlan.Outcome
            switch await send(converse, hash, client, ahead) {
            case .cancelled, .streamed: return
            case .reply(let head, let body) where head.status == 200:
                return await answer(converse, body)
            case .reply(let head, let body):
                outcome = .refused(
                    ConverseFailure(
                        status: head.status, errorType: head.fields["x-amzn-errortype"], body: body,
                        operation: converse.operation, attempts: plan.made + 1),
                    date: head.fields["date"].flatMap(HTTPDate.parse))
            case .noReply(let failure): outcome = .noReply(failure)
            }
            let step = plan.next(
                after: outcome, now: Date().addingTimeInterval(ahead), chance: .random(in: 0..<1))
            switch step {
            case .correctClock(let seconds): client.setClock(ahead: ahead + seconds)
            case .renewCredentials:
                guard let other = await backend.renewed(client) else { return giveUp(converse, outcome, client) }
                client = other
            case .again(let pause):
                do { try await Task.sleep(for: .seconds(pause)) } catch { return }
            case .giveUp: return giveUp(converse, outcome, client)
            }
        }
    }

    private func send(
        _ converse: ConverseRequest, _ hash: String, _ client: BedrockClient, _ ahead: Double
    ) async -> BedrockAttempt.Outcome {
        let stream = converse.operation == .converseStream ? BedrockStream(Self.stream(converse)) : nil
        let attempt = BedrockAttempt(outlet, stream: stream)
        let request = client.request(converse, payloadHash: hash, at: Date().addingTimeInterval(ahead))
        // The transfer begins under the lock, so that a cancellation finds either none or this one.
        let hasBegun = state.withLock { state in
            guard !state.isCancelled else { return false }
            state.current = (attempt, backend.transport.start(request, attempt))
            return true
        }
        guard hasBegun else { return .cancelled }
        let outcome = await attempt.outcome()
        // Where the client has all, the service need not go on.
        state.withLock { state in
            defer { state.current = nil }
            return state.current
        }?.transfer.cancel()
        return outcome
    }

    // MARK: Answers

    private static let json: Fields = ["content-type": "application/json"]

    private static func stream(_ converse: ConverseRequest) -> ConverseStream {
        ConverseStream(converse.shape, stamp: stamp(converse))
    }

    private static func stamp(_ converse: ConverseRequest) -> ReplyStamp {
        ReplyStamp(converse.shape.kind, created: Int(Date().timeIntervalSince1970))
    }

    /// 4
    private func answer(_ converse: ConverseRequest, _ body: [UInt8]) async {
        let reply = await Self.aside {
            Result { () throws(ConverseFailure) in
                try ConverseReply(body).completion(converse.shape, stamp: Self.stamp(converse))
            }
        }
        switch reply {
        case .success(let completion): outlet.answer(ReplyHead(status: 200, fields: Self.json), completion)
        case .failure(let failure): answer(failure)
        }
    }

    private func giveUp(_ converse: ConverseRequest, _ outcome: RetryPlan.Outcome, _ client: BedrockClient) {
        switch outcome {
        case .noReply(let failure):
            answer(
                ConverseFailure(
                    code: "upstream_unavailable",
                    message: "AWS Bedrock cannot be asked at \(client.endpoint.url): \(failure.reason)."))
        case .refused(let failure, _) where converse.operation == .converseStream:
            var stream = Self.stream(converse)
            outlet.begin(BedrockStream.head)
            outlet.send(stream.fail(failure))
            outlet.end()
        case .refused(let failure, _): answer(failure)
        }
    }

    private func answer(_ failure: ConverseFailure) {
        outlet.answer(ReplyHead(status: 502, fields: Self.json), failure.body)
    }

    /// On a thread that may be kept busy: large bodies take their time.
    private static func aside<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: work()) }
        }
    }
}
