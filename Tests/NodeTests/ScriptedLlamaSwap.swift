import Cluster
import Node
import RouterHarness
import Synchronization

/// A llama-swap that says what a test wants: states over `/api/events`, addresses over `/running`. Whatever else is
/// asked of it is written down, as every request is.
final class ScriptedLlamaSwap: Sendable {
    private struct Told {
        var states: [(model: String, state: String)] = []
        var addresses: [String: String] = [:]
        var followers: [Socket] = []
        var hasEvents = true

        var event: String {
            let models = states.map { #"{\"id\":\"\#($0.model)\",\"state\":\"\#($0.state)\"}"# }
            return "event:message\ndata:{\"type\":\"modelStatus\",\"data\":\"[\(models.joined(separator: ","))]\"}\n\n"
        }
    }

    private let told = Mutex(Told())
    private let upstream: ScriptedUpstream

    init() throws {
        upstream = try ScriptedUpstream()
        upstream.answer { [weak self] socket, request in self?.answer(socket, request) ?? .close }
    }

    var port: Int { upstream.port }
    /// Paths that were asked for, in order.
    var paths: [String] { upstream.requests.map { "\($0.method) \($0.target)" } }
    var followerCount: Int { told.withLock { $0.followers.count } }

    /// Answers 404 to `/api/events`, as a llama-swap without them.
    func hideEvents() { told.withLock { $0.hasEvents = false } }

    /// Sets the states, and tells the followers.
    ///
    /// - Parameter addresses: of the llama-servers, by model.
    func say(_ states: KeyValuePairs<String, String>, addresses: [String: String] = [:]) {
        told.withLock { told in
            told.states = states.map { ($0.key, $0.value) }
            told.addresses = addresses
            // Here, so that who begins to follow meanwhile has either this or what was before, and then this.
            for follower in told.followers { follower.send(told.event) }
        }
    }

    func log(_ line: String) {
        for follower in told.withLock({ $0.followers }) {
            follower.send("event:message\ndata:{\"type\":\"logData\",\"data\":\"\(line)\"}\n\n")
        }
    }

    /// Ends the streams, as a llama-swap that is stopped.
    func drop() {
        let followers = told.withLock { told in
            defer { told.followers = [] }
            return told.followers
        }
        for follower in followers { follower.close() }
    }

    private func answer(_ socket: Socket, _ request: HTTPText) -> ScriptedUpstream.Next {
        switch request.target {
        case "/api/events" where told.withLock { $0.hasEvents }:
            told.withLock { told in
                socket.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + told.event)
                told.followers.append(socket)
            }
            return .keepOpen
        case "/running":
            let body = told.withLock { told in
                let models = told.states.filter { $0.state != "stopped" }.map { model, state in
                    let address = told.addresses[model] ?? ""
                    return #"{"model":"\#(model)","state":"\#(state)","proxy":"\#(address)"}"#
                }
                return #"{"running":[\#(models.joined(separator: ","))]}"#
            }
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        default: socket.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        }
        return .keepOpen
    }
}

/// The newest description that a subscriber was given.
actor Newest {
    private(set) var description: NodeDescription?
    private(set) var count = 0

    init(_ agent: NodeAgent) {
        let stream = agent.descriptions()
        Task { [weak self] in
            for await description in stream {
                guard let self else { return }
                await self.take(description)
            }
        }
    }

    private func take(_ new: NodeDescription) {
        description = new
        count += 1
    }

    /// Waits until what was given is as wanted.
    ///
    /// - Returns: how long that took; nil when it was not within `limit`.
    func wait(
        within limit: Duration = .seconds(20), for isWanted: @Sendable (NodeDescription) -> Bool
    ) async -> Duration? {
        let start = ContinuousClock.now
        while ContinuousClock.now - start < limit {
            if let description, isWanted(description) { return ContinuousClock.now - start }
            // Between two looks; nothing depends on its length.
            try? await Task.sleep(for: .milliseconds(1))
        }
        return nil
    }
}
