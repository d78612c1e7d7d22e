import Synchronization

/// The way of events from a directory's own thread to the task that reads them.
final class DirectoryFeed: Sendable {
    private struct State {
        var queue = EventQueue()
        var reader: CheckedContinuation<DirectoryEvent?, Never>?
        var hasEnded = false
    }

    private let state = Mutex(State())

    func put(_ event: DirectoryEvent) {
        let waiting = state.withLock { state -> (CheckedContinuation<DirectoryEvent?, Never>, DirectoryEvent)? in
            guard !state.hasEnded else { return nil }
            state.queue.put(event)
            guard let reader = state.reader, let next = state.queue.take() else { return nil }
            state.reader = nil
            return (reader, next)
        }
        waiting?.0.resume(returning: waiting?.1)
    }

    func end() {
        let reader = state.withLock { state in
            state.hasEnded = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// - Parameter onEnd: called when the reader is gone; perhaps more than once.
    func stream(onEnd: @escaping @Sendable () -> Void) -> AsyncStream<DirectoryEvent> {
        let reader = EventReader(feed: self, onEnd: onEnd)
        return AsyncStream(
            unfolding: { await reader.next() },
            onCancel: { [self] in
                end()
                onEnd()
            })
    }

    fileprivate func next() async -> DirectoryEvent? {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> DirectoryEvent?? in
                if let event = state.queue.take() { return .some(event) }
                if state.hasEnded { return .some(nil) }
                state.reader = continuation
                return .none
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }
}

/// Lives as long as the stream does: a stream that is dropped unread ends its browsing too.
private final class EventReader: Sendable {
    private let feed: DirectoryFeed
    private let onEnd: @Sendable () -> Void

    init(feed: DirectoryFeed, onEnd: @escaping @Sendable () -> Void) {
        self.feed = feed
        self.onEnd = onEnd
    }

    deinit { onEnd() }

    func next() async -> DirectoryEvent? { await feed.next() }
}
