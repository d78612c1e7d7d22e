/// Elements from many senders to one taker. A sender has at most one element under way, so what waits is no more than there
/// are senders, and each gets its turn: who sends faster than the taker takes waits, and holds up nobody else.
package struct Handover<Element: Sendable>: AsyncSequence, Sendable {
    fileprivate typealias Item = (element: Element, taken: AsyncStream<Void>.Continuation)

    private let items: AsyncStream<Item>
    private let feed: AsyncStream<Item>.Continuation

    package init() { (items, feed) = AsyncStream.makeStream(of: Item.self) }

    /// For use by one task at a time.
    package struct Sender: Sendable {
        fileprivate let feed: AsyncStream<Item>.Continuation
        private let turns: AsyncStream<Void>
        private let turn: AsyncStream<Void>.Continuation

        fileprivate init(_ feed: AsyncStream<Item>.Continuation) {
            self.feed = feed
            (turns, turn) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        }

        /// Returns when the element has been taken, when nothing is taken any more, or when the task is cancelled: then it
        /// may still be taken.
        package func send(_ element: Element) async {
            guard case .enqueued = feed.yield((element, turn)) else { return }
            for await _ in turns { return }
        }
    }

    package func sender() -> Sender { Sender(feed) }

    /// Ends the sequence after the elements that wait.
    package func finish() { feed.finish() }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var items: AsyncStream<Item>.AsyncIterator

        package mutating func next() async -> Element? {
            guard let item = await items.next() else { return nil }
            item.taken.yield()
            return item.element
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(items: items.makeAsyncIterator()) }
}
