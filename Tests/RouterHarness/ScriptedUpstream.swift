import Foundation
import Synchronization

/// An upstream server that does what a test says: it keeps what it received and answers each request with a closure.
package final class ScriptedUpstream: Sendable {
    /// What to do after a request.
    package enum Next: Sendable { case keepOpen, close }

    package typealias Answer = @Sendable (Socket, HTTPText) -> Next

    private struct State {
        var requests: [HTTPText] = []
        var connections = 0
        var answer: Answer
    }

    package let port: Int
    private let listener: Socket
    private let state: Mutex<State>

    /// - Parameter answer: called on the connection's own thread.
    package init(_ answer: @escaping Answer = ScriptedUpstream.ok) throws {
        (listener, port) = try Socket.listening()
        state = Mutex(State(answer: answer))
        Thread { while let socket = self.listener.accept() { self.serve(socket) } }.start()
    }

    /// Listens no more; connections that are open stay so.
    package func stop() { listener.close() }

    package var requests: [HTTPText] { state.withLock { $0.requests } }

    package var connections: Int { state.withLock { $0.connections } }

    package func forget() { state.withLock { $0.requests = [] } }

    package func answer(_ answer: @escaping Answer) { state.withLock { $0.answer = answer } }

    /// `200` with `ok`.
    package static let ok: Answer = { socket, _ in
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return .keepOpen
    }

    private func serve(_ socket: Socket) {
        state.withLock { $0.connections += 1 }
        Thread {
            var bytes: [UInt8] = []
            while let more = socket.receive(seconds: 60), !more.isEmpty {
                bytes += more
                while let request = HTTPText.take(from: &bytes) {
                    if self.received(request)(socket, request) == .close { return socket.close() }
                }
            }
        }.start()
    }

    private func received(_ request: HTTPText) -> Answer {
        state.withLock {
            $0.requests.append(request)
            return $0.answer
        }
    }
}
