import CDNSSD
import Dispatch
package import Logging
import Synchronization

/// The directory of macOS, through dns_sd; on Linux the same over libavahi-compat-libdnssd, for tests of this file.
///
/// On Linux only for a look at it: when avahi-daemon goes while a record query is open, that library (0.8) calls through a
/// field that it never set, and the process dies.
///
/// `@unchecked`: all that changes belongs to `queue`.
package final class BonjourDirectory: ServiceDirectory, @unchecked Sendable {
    /// `kDNSServiceFlagsAdd`, which is imported under different types.
    static let add: DNSServiceFlags = 2

    private let queue = DispatchQueue(label: "llmstack.bonjour")
    private let log: Logger
    private let isClosed = Atomic(false)
    private let count = Atomic(0)

    // Of the queue.
    private var connection = DaemonConnection(
        absent: (
            "the system's Bonjour service does not answer, so nothing can be found on the network or advertised on it",
            BonjourDirectory.fix
        ),
        noBus: ("there is no Bonjour service on this system", BonjourDirectory.fix))
    private var notes: [DaemonConnection.Event] = []
    private var isOpen = false
    private var browses: [Int: BonjourBrowse] = [:]
    private var publication: BonjourPublication?
    private var registered: String?
    private var timer: (any DispatchSourceTimer)?
    private var isNoted = false

    #if canImport(Darwin)
        private static let fix = "allow llmstack under System Settings, Privacy & Security, Local Network"
    #else
        private static let fix = "sudo apt install avahi-daemon && sudo systemctl enable --now avahi-daemon"
    #endif

    package init(log: Logger) {
        self.log = log
        publication = BonjourPublication(queue: queue, noted: { [unowned self] in note() })
        queue.async { self.wake() }
    }

    /// Since some point in the past.
    static var now: Duration { start.duration(to: .now) }
    private static let start = ContinuousClock.now

    package func advertise(_ service: AdvertisedService?) {
        queue.async {
            self.publication?.apply(.wanted(service))
        }
    }

    package func browse(_ type: String) -> AsyncStream<DirectoryEvent> {
        let feed = DirectoryFeed()
        let number = count.add(1, ordering: .relaxed).newValue
        queue.async { self.begin(number, type: type, feed: feed) }
        return feed.stream(onEnd: { [weak self] in
            guard let self else { return }
            queue.async {
                self.browses.removeValue(forKey: number)?.disconnect(at: Self.now)
                self.note()
            }
        })
    }

    package func close() {
        guard !isClosed.exchange(true, ordering: .relaxed) else { return }
        let done = DispatchSemaphore(value: 0)
        queue.async {
            self.drop(at: Self.now)
            for browse in self.browses.values { browse.feed.end() }
            self.browses = [:]
            self.timer?.cancel()
            self.timer = nil
            // After the operations' own last steps, which are on the queue by now.
            self.queue.async { done.signal() }
        }
        _ = done.wait(timeout: .now() + .seconds(2))
    }

    // MARK: On the queue

    private func begin(_ number: Int, type: String, feed: DirectoryFeed) {
        guard !isClosed.load(ordering: .relaxed) else { return feed.end() }
        let browse = BonjourBrowse(
            type: type, feed: feed, queue: queue, noted: { [unowned self] in note() },
            failed: { [unowned self] in failed() })
        browse.set(SystemInterfaces.current())
        browses[number] = browse
        if let state = connection.state { feed.put(state) }
        if let registered { feed.put(.registered(name: registered)) }
        if isOpen { report(browse.begin(at: Self.now)) }
        note()
    }

    /// Callbacks only note what they were told; the queue comes back for it at once.
    private func note() {
        guard !isNoted, !isClosed.load(ordering: .relaxed) else { return }
        isNoted = true
        queue.async { self.wake() }
    }

    private func failed() {
        notes.append(.failed(.daemonGone))
        note()
    }

    private func report(_ code: DNSServiceErrorType) {
        guard code != 0 else { return }
        failed()
    }

    private func wake() {
        isNoted = false
        guard !isClosed.load(ordering: .relaxed) else { return }
        let now = Self.now
        while !notes.isEmpty { perform(connection.apply(notes.removeFirst(), at: now), at: now) }
        perform(connection.tick(at: now), at: now)
        if let outcome = publication?.perform(at: now) {
            for code in outcome.refusals {
                log.warning("Bonjour does not take this host's service", metadata: ["code": "\(code)"])
            }
            for name in outcome.names { tell(.registered(name: name)) }
        }
        let interfaces = browses.isEmpty ? [] : SystemInterfaces.current()
        for browse in browses.values {
            browse.set(interfaces)
            for warning in browse.perform(at: now) {
                log.warning("\(warning.sentence)", metadata: ["type": "\(browse.type)"])
            }
        }
        let deadlines = browses.values.map(\.nextDeadline) + [connection.nextDeadline, publication?.nextDeadline]
        schedule(at: deadlines.compactMap { $0 }.min(), now: now)
    }

    private func perform(_ actions: [DaemonConnection.Action], at now: Duration) {
        for action in actions {
            switch action {
            case .close: drop(at: now)
            case .open:
                isOpen = true
                let codes = browses.values.map { $0.begin(at: now) }
                if let code = codes.first(where: { $0 != 0 }) {
                    report(code)
                } else {
                    notes.append(.answers)
                    publication?.apply(.ready)
                    note()
                }
            case .tell(let event):
                tell(event)
            }
        }
    }

    private func drop(at now: Duration) {
        isOpen = false
        publication?.disconnect(at: now)
        for browse in browses.values { browse.disconnect(at: now) }
        registered = nil
        notes = []
    }

    private func tell(_ event: DirectoryEvent) {
        if case .registered(let name) = event { registered = name }
        for browse in browses.values { browse.feed.put(event) }
    }

    private func schedule(at deadline: Duration?, now: Duration) {
        timer?.cancel()
        timer = nil
        guard let deadline else { return }
        let (seconds, attoseconds) = max(deadline - now, .zero).components
        let timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now() + .nanoseconds(Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)))
        timer.setEventHandler { [weak self] in self?.wake() }
        self.timer = timer
        timer.resume()
    }
}
