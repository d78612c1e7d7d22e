import NIOCore

/// Does something on the event loop, in its next turn and then at an interval, until it is cancelled.
final class Ticker {
    private let interval: TimeAmount
    private let loop: any EventLoop
    private let action: () -> Void
    private var isCancelled = false

    init(every interval: TimeAmount, on loop: any EventLoop, _ action: @escaping () -> Void) {
        self.interval = interval
        self.loop = loop
        self.action = action
        loop.assumeIsolated().execute { self.tick() }
    }

    func cancel() { isCancelled = true }

    private func tick() {
        guard !isCancelled else { return }
        action()
        loop.assumeIsolated().scheduleTask(in: interval) { self.tick() }
    }
}
